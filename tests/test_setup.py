"""The set-up script on machines that lack what it needs. What it does on a good one is what the
tests themselves run in."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def bare_machine(tmp_path):
    """A copy of the scripts, and a PATH that holds nothing but a shell's bare needs."""
    for name in ("setup_environment.sh", "run_all.sh", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "dirname", "cat", "env"):
        (tools / tool).symlink_to(shutil.which(tool))
    return tmp_path


def run(folder, python=None):
    if python is not None:
        script = folder / "bin" / "python3"
        script.write_text(f"#!{shutil.which('bash')}\n{python}\n")
        script.chmod(0o755)
    environment = {"PATH": str(folder / "bin"), "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        ["bash", str(folder / "run_all.sh")], env=environment, capture_output=True, text=True
    )


def test_without_python(bare_machine):
    done = run(bare_machine)
    assert done.returncode == 2
    assert done.stderr.startswith("egolib needs Python 3.11 or newer")


def test_with_an_old_python(bare_machine):
    done = run(bare_machine, python='[[ "$2" != *version_info* ]]')
    assert done.returncode == 2
    assert "needs Python 3.11 or newer" in done.stderr


def test_without_venv(bare_machine):
    done = run(bare_machine, python='[[ "$2" != *"import venv"* ]]')
    assert done.returncode == 2
    assert "lacks the module venv; install it" in done.stderr
    assert not (bare_machine / ".venv").exists()
