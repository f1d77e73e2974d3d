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


def test_an_environment_that_is_a_file(bare_machine):
    (bare_machine / ".venv").touch()
    done = run(bare_machine)
    assert done.returncode == 2
    assert (
        done.stderr == f"{bare_machine}/.venv: is not a folder; move it away, then run this again\n"
    )


@pytest.mark.parametrize("name", ["it's", 'a"b', "a\\b"])
def test_a_folder_that_scripts_of_pip_cannot_start_from(bare_machine, name):
    folder = bare_machine / name
    folder.mkdir()
    for path in bare_machine.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    (folder / "bin").symlink_to("../bin")
    done = run(folder)
    assert done.returncode == 2
    assert "move the repository" in done.stderr


def test_an_exported_cdpath_does_no_harm(bare_machine):
    """With it, `cd` prints where it goes."""
    parent, name = bare_machine.parent, bare_machine.name
    environment = {"PATH": str(bare_machine / "bin"), "CDPATH": str(parent), "HOME": "/"}
    done = subprocess.run(
        ["bash", f"{name}/run_all.sh"], cwd=parent, env=environment, capture_output=True, text=True
    )
    assert done.stderr.startswith("egolib needs Python 3.11 or newer")


def test_an_environment_with_an_old_pip_is_made_anew(bare_machine):
    """The environment's Python says that its pip is old, and the machine's one makes another."""
    environment = bare_machine / ".venv" / "bin"
    environment.mkdir(parents=True)
    (environment / "python").write_text(f"#!{shutil.which('bash')}\nexit 1\n")
    (environment / "python").chmod(0o755)
    done = run(
        bare_machine, python='case "$*" in *"venv --clear"*) echo made anew >&2; exit 3;; esac'
    )
    assert done.returncode == 3
    assert "made anew" in done.stderr
