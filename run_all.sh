#!/usr/bin/env bash
# The whole study: ./run_all.sh [--profile smoke|quick|study|paper|FILE.toml] [--data DIR [--pack DIR]]
#                               [--seed N] [--results DIR]
# The notebooks in JupyterLab: ./run_all.sh lab [what jupyter lab takes]
source "$(dirname "${BASH_SOURCE[0]}")/setup_environment.sh"
if [ "${1:-}" = lab ]; then
    shift
    # Jupyter refuses root unless told so, and a container has no other user.
    [ "$(id -u)" != 0 ] || set -- --allow-root "$@"
    exec jupyter lab --notebook-dir "$repository" "$@" "$repository/notebooks/01_explore_data.ipynb"
fi
exec egolib run "$@"
