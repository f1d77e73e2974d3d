"""A toy tree in the official layout: coloured dots where the joints are. It needs no renderer."""

import json
import os
import shutil

import cv2
import numpy as np
import pytest
import torch
from filelock import FileLock

from egolib.camera import project
from egolib.config import PROFILES, override
from egolib.experiments.run import REPOSITORY, miniature_network, open_study
from egolib.foundation.errors import EgolibError
from egolib.skeleton import JOINTS, RIG_PREFIX

# Files of tests, the longest first: what is begun last should be done soon.
LONGEST = ("run", "official_data", "train", "browser", "drift", "ray_model", "notebooks")

# Held while what the processes of a test run share is made.
SMOKE_LOCK = REPOSITORY / "data" / "smoke.lock"

# Servers of the tests are on this machine, whatever proxy it has.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
# Tests are one process each, also where a cluster's job or a git hook starts them.
for _name in ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "GIT_DIR"):
    os.environ.pop(_name, None)

# A standing pose in the camera frame, metres: x to the left, y forward, z down.
STANDING_M = np.array([
    [0.00, -0.08, 0.15], [0.00, -0.10, 0.03],
    [0.17, -0.08, 0.20], [0.27, 0.10, 0.42], [0.22, 0.30, 0.50],
    [-0.17, -0.08, 0.20], [-0.27, 0.10, 0.42], [-0.22, 0.30, 0.50],
    [0.09, -0.05, 0.70], [0.10, 0.05, 1.10], [0.10, 0.00, 1.50], [0.10, 0.14, 1.56],
    [-0.09, -0.05, 0.70], [-0.10, 0.05, 1.10], [-0.10, 0.00, 1.50], [-0.10, 0.14, 1.56],
])  # fmt: skip


def pytest_collection_modifyitems(items):
    names = [f"test_{name}" for name in LONGEST]
    items.sort(key=lambda item: (*names, item.path.stem).index(item.path.stem))


def write_frame(folder, character, number, pose_m, clip="Boxing", padding=6):
    """One image (0.1 of the native size) and its labels below `folder` (a cam_down)."""
    for name in ("rgba", "json"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    pixels = project(pose_m)
    image = np.full((80, 128, 4), 255, np.uint8)
    image[..., :3] = 40
    for place, (u, v) in enumerate(pixels):
        colour = (80 + 10 * place, 250 - 15 * place, 40 * (place % 6), 255)
        if pose_m[place, 2] > 0:
            cv2.circle(image, (round(u / 10), round(v / 10)), 3, colour, -1)
    text = f"{number:0{padding}d}"
    cv2.imwrite(str(folder / "rgba" / f"{character}.rgba.{text}.png"), image)
    labels = {
        "action": clip,
        "joints": [
            {"name": RIG_PREFIX + name, "trans": trans, "rot": [0.1 * place, 0.2, -0.3]}
            for place, (name, trans) in enumerate(
                zip(JOINTS, (100 * pose_m * (1, -1, -1)).tolist(), strict=True)
            )
        ],
        "pts2d_fisheye": pixels.T.tolist(),
        "pts3d_fisheye": (100 * pose_m).T.tolist(),
        "camera": {"cam_fov": 180, "trans": [0, 0, 0], "rot": [0, 0, 0]},
    }
    path = folder / "json" / f"{character}_{text}.json"
    path.write_text(json.dumps(labels))
    return path


def random_poses(count, seed):
    """Standing poses moved along three fixed directions, (count, 16, 3) metres: few enough ways
    to move for a network to learn them from a handful of frames."""
    ways = np.random.default_rng(42).normal(scale=0.08, size=(3, 16, 3)) * (1, 1, 0.5)
    amounts = np.random.default_rng(seed).normal(size=(count, 3))
    return STANDING_M + np.einsum("nk,kjc->njc", amounts, ways)


def write_toy_tree(root, frames=12):
    characters = {
        "TrainSet": ("female_001_a_a", "male_004_a_a"),
        "ValSet": ("male_008_a_a",),
        "TestSet": ("female_004_a_a", "male_001_a_a"),
    }
    for set_name, names in characters.items():
        for seed, character in enumerate(names):
            folder = root / set_name / character / "env_001" / "cam_down"
            for number, pose in enumerate(random_poses(frames, seed)):
                clip = "Boxing" if number < frames // 2 else "walking"
                write_frame(folder, character, number, pose, clip)
    return root


@pytest.fixture
def toy_tree(tmp_path):
    return write_toy_tree(tmp_path / "tree")


@pytest.fixture(scope="session")
def shared_toy_tree(tmp_path_factory):
    """A toy tree that no test changes."""
    return write_toy_tree(tmp_path_factory.mktemp("toy") / "tree", frames=16)


@pytest.fixture(scope="session")
def toy_profile():
    """The smoke profile with a little more training, fit for the toy tree."""
    changes = {
        "name": "toy",
        "heatmaps": {"epochs": 3, "batch_size": 8},
        "lifter": {"epochs": 4, "batch_size": 8},
        "end_to_end": {"epochs": 2, "batch_size": 8},
    }
    return override(PROFILES["smoke"], changes, "toy")


@pytest.fixture(autouse=True)
def one_thread():
    """Of a process: the tests share the cores (run_tests.sh)."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def browser():
    """The distribution's Chromium, headless; tests that need it are skipped where it is missing."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright: pip install .[dev]"
    )
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        pytest.skip("needs Chromium: apt install chromium")
    # WebGL by software, and no sandbox, which containers do not allow.
    arguments = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def miniature():
    """The smoke profile's miniature, kept in data/smoke between runs -> its Study, untrained."""
    study = open_study("smoke")
    with FileLock(SMOKE_LOCK):
        try:
            study.prepare_data()
        except EgolibError:  # rendered by other code, or with other settings
            shutil.rmtree(study.tree)
            study.prepare_data()
    return study


@pytest.fixture(scope="session")
def drift_network(miniature):
    """Path of the heatmap network by which the profile smoke audits data that was given, kept in
    results/smoke or results/audit_network_smoke."""
    with FileLock(SMOKE_LOCK):
        return miniature_network(miniature.profile.name)
