"""pyproject.toml is the only place where dependencies are written; the pins and the conda file
follow it."""

import tomllib
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(r.name): next(iter(r.specifier)) for r in requirements}


def direct_dependencies():
    extras = PROJECT["optional-dependencies"]["dev"]
    return [Requirement(text) for text in PROJECT["dependencies"] + extras]


def test_every_dependency_is_pinned_within_its_range():
    pinned = pins()
    for requirement in direct_dependencies():
        pin = pinned[canonicalize_name(requirement.name)]
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version), requirement


def test_every_pin_is_what_is_installed():
    for name, pin in pins().items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # of another platform
        assert Version(installed).public == pin.version, name


def test_the_pins_run_on_the_oldest_python_that_is_admitted():
    floor = PROJECT["requires-python"].removeprefix(">=") + ".0"
    for name in pins():
        try:
            wanted = metadata.metadata(name)["Requires-Python"]
        except metadata.PackageNotFoundError:
            continue
        assert wanted is None or SpecifierSet(wanted).contains(floor), name


def test_nothing_is_pinned_that_nothing_needs():
    """Walk the installed requirements from the direct ones: they must reach every pin."""
    needed, queue = set(), [(r.name, r.extras) for r in direct_dependencies()]
    while queue:
        name, extras = queue.pop()
        key = (canonicalize_name(name), frozenset(extras))
        if key in needed:
            continue
        needed.add(key)
        try:
            requirements = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for text in requirements:
            requirement = Requirement(text)
            environments = [{"extra": extra} for extra in (*extras, "")]
            if requirement.marker is None or any(map(requirement.marker.evaluate, environments)):
                queue.append((requirement.name, requirement.extras))
    assert set(pins()) <= {name for name, _ in needed}


def test_conda_gets_the_same_environment():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert pip == "pip"
    assert packages["pip"] == ["--constraint constraints.txt", "--editable .[dev]"]
    version = python.removeprefix("python=")
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(version)


def test_opencv_is_the_headless_build():
    names = {canonicalize_name(r.name) for r in direct_dependencies()}
    assert "opencv-python-headless" in names
    assert "opencv-python" not in pins()
