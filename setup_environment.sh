# Sourced by run_all.sh and run_tests.sh: makes .venv/ once, from pyproject.toml and the pins in
# constraints.txt, and again whenever one of them changes. Needs Python 3.11 or newer with venv.
set -euo pipefail
unset CDPATH # with it, cd prints the folder
repository="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
caller="$PWD"
cd "$repository"
case "$repository" in *[\"\'\:\\]*)
    echo "$repository: a folder with a quote, a colon or a backslash in its path; move the repository" >&2
    exit 2 ;;
esac
if [ -e .venv ] && [ ! -d .venv ]; then
    echo "$repository/.venv: is not a folder; move it away, then run this again" >&2
    exit 2
fi

python=""
for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python="$candidate"
        break
    fi
done
if [ -z "$python" ]; then
    echo "egolib needs Python 3.11 or newer and found none; install one, or name it: PYTHON=/path/to/python $0" >&2
    exit 2
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "$python lacks the module venv; install it (Debian, Ubuntu: apt install python3-venv)" >&2
    exit 2
fi

wanted=$("$python" -c 'import hashlib, sys
files = [open(name, "rb").read() for name in sys.argv[2:]]
print(hashlib.sha256(b"".join([sys.argv[1].encode(), *files])).hexdigest())' \
    "$repository" pyproject.toml constraints.txt)
if [ ! -x .venv/bin/egolib ] || [ "$(cat .venv/egolib-environment 2>/dev/null)" != "$wanted" ]; then
    echo "Setting up .venv (once; about 7 GB, mostly PyTorch and CUDA, so this takes some minutes) ..." >&2
    # A half-made environment, or one with a pip that knows no pyproject.toml, is made anew.
    .venv/bin/python -c 'import pip, sys; sys.exit(int(pip.__version__.split(".")[0]) < 22)' \
        >/dev/null 2>&1 || "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --constraint constraints.txt --editable '.[dev]'
    echo "$wanted" >.venv/egolib-environment
fi
export PATH="$repository/.venv/bin:$PATH"
cd "$caller" # paths that the user gives are relative to where they stand
