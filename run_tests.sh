#!/usr/bin/env bash
# Lint and test. Arguments go to pytest: ./run_tests.sh -k camera
source "$(dirname "${BASH_SOURCE[0]}")/setup_environment.sh"
cd "$repository"
ruff check .
ruff format --check .
nbstripout --verify notebooks/*.ipynb
# The browser tests want the distribution's Chromium; where it may not be installed they are skipped.
if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    { apt-get update && apt-get install --yes --no-install-recommends chromium; } >/dev/null 2>&1 ||
        echo "chromium could not be installed; the tests in a browser are skipped" >&2
fi
exec python -m pytest "$@"
