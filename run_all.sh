#!/usr/bin/env bash
# The whole study: ./run_all.sh [--profile smoke|quick|paper|FILE.toml] [--data DIR] [--seed N] [--results DIR]
source "$(dirname "${BASH_SOURCE[0]}")/setup_environment.sh"
exec egolib run "$@"
