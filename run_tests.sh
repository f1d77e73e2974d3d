#!/usr/bin/env bash
# Lint and test. Arguments go to pytest: ./run_tests.sh -k camera
source "$(dirname "${BASH_SOURCE[0]}")/setup_environment.sh"
cd "$repository"
ruff check .
ruff format --check .
nbstripout --verify notebooks/*.ipynb
exec python -m pytest "$@"
