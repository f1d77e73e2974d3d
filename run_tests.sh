#!/usr/bin/env bash
# Lint, check the types of the core, and test with a process per core. Arguments go to pytest:
# ./run_tests.sh -k camera
source "$(dirname "${BASH_SOURCE[0]}")/setup_environment.sh"
cd "$repository"
ruff check .
ruff format --check .
pyrefly check
nbstripout --verify notebooks/*.ipynb
# The browser tests want the distribution's Chromium; where it may not be installed they are skipped.
if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    { apt-get update && apt-get install --yes --no-install-recommends chromium; } >/dev/null 2>&1 ||
        echo "chromium could not be installed; the tests in a browser are skipped" >&2
fi
# The tests of a file share what they make, so they stay together; tests/conftest.py has the longest
# files first. The cores are taken: no process needs more than one thread.
export OMP_NUM_THREADS=1
exec python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile \
    --no-loadscope-reorder "$@"
