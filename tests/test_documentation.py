"""README and docs: their links lead somewhere, their commands are understood, and most of them run here
on the miniature of the smoke profile."""

import json
import re
import shlex
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from fake_release import write_release

from egolib import cli
from egolib.camera import XR_EGOPOSE
from egolib.experiments import run as study

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {page: page.read_text() for page in PAGES}
# Commands that do not run here, by how they begin, and what tests them or why nothing does.
NOT_RUN = {
    "./run_all.sh": "tests/experiments/test_run.py runs the same in Python",
    "./run_tests.sh": "runs this test",
    "source ": "of the shell",
    "conda ": "conda is not here; test_environment.py compares environment.yml with the set-up",
    "python3 -m venv": "the set-up does it",
    ".venv/bin/pip": "installs from the network",
    "python benchmarks/": "tests/test_code_lines.py",
    "python tests/fuzz.py ": "runs as long as one likes; tests/test_fuzz.py",
    "papermill ": "tests/experiments/test_run.py executes the notebooks",
    "torchrun ": "several GPUs; tests/training/test_distributed.py on two processes",
    "sbatch ": "SLURM",
    "egolib --help": "leaves the process",
    "egolib run ": "tests/experiments/test_run.py, test_notebooks.py, test_official_data.py",
    "egolib sweep": "tests/experiments/test_sweep.py",
    "egolib compare ": "tests/report/test_report.py",
    "egolib convert ": "needs the public checkpoints; tests/models/test_convert.py",
    "egolib ship ": "tests/experiments/test_shipping.py",
    "egolib download ": "GitHub's server; tests/data/test_download.py has one of its own",
    "egolib audit ": "tests/audit",
    "egolib render data/captured ": "motion capture; tests/egosynth/test_bvh.py",
    "egolib predict 0 ": "a camera; tests/headset/test_sources.py",
    "egolib pack xr-egopose/ packed/ --submit": "SLURM; tests/foundation has jobs on this machine",
    "egolib export network_int8.onnx ": "tests/headset/test_exporting.py",
}


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(text):
    """The commands of a page without their comments."""
    lines = "\n".join(blocks(text, "bash")).splitlines()
    return [line for line in (re.sub(r"\s+#.*", "", line).strip() for line in lines) if line]


def runs_here(command):
    """Whether NOT_RUN does not name a command."""
    return named(command) is None


def named(command):
    """The entry of NOT_RUN that names a command, or None."""
    return next((start for start in NOT_RUN if f"{command} ".startswith(start)), None)


def test_the_readme_fits_on_a_page():
    assert len(TEXTS[ROOT / "README.md"].splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", TEXTS[page], flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not link.startswith(("http", "#")):
            assert (page.parent / link.partition("#")[0]).exists(), link


def test_no_sentence_stands_twice():
    seen = {}
    for page, text in TEXTS.items():
        prose = re.sub(r"```.*?```|<!-- \w+:begin.*?:end -->", "", text, flags=re.DOTALL)
        for sentence in re.split(r"(?<=[.:])\s", " ".join(prose.split())):
            if len(sentence) > 60 and "|" not in sentence:
                assert seen.setdefault(sentence, page) == page, sentence


def test_what_does_not_run_is_still_in_the_texts():
    every = [command for text in TEXTS.values() for command in commands(text)]
    assert {named(command) for command in every} - {None} == set(NOT_RUN)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_options_are_those_of_the_command(page):
    for command in commands(TEXTS[page]):
        words = shlex.split(command.replace("-m egolib.cli", "egolib"))
        if words[0] in ("egolib", "torchrun") and words[-1] != "--help":
            cli.make_parser().parse_args(words[words.index("egolib") + 1 :])


def _write_video(path, frames):
    with av.open(path, "w") as video:
        stream = video.add_stream("libx264", 30)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            video.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "bgr24")))
        video.mux(stream.encode())


@pytest.fixture
def desk(miniature, tmp_path, monkeypatch):
    """The working folder that the texts speak of: a video, images, a lens, a release, a tree."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(study, "REPOSITORY", tmp_path)
    index = miniature.index("test")
    frames = [cv2.resize(cv2.imread(str(index[i].image_path)), (640, 400)) for i in range(8)]
    for folder in ("my_images", "more", "data"):
        Path(folder).mkdir()
    cv2.imwrite("frame.png", frames[0])
    for i in range(3):
        cv2.imwrite(f"my_images/{i}.png", frames[i])
        cv2.imwrite(f"more/{i}.jpg", frames[i])
    Path("labels.json").write_text(json.dumps({"0.png": {"LeftHand": [320.0, 200.0]}}))
    _write_video("my_video.mp4", frames)
    _write_video("turned_video.mp4", [np.ascontiguousarray(np.rot90(f)) for f in frames])
    matrix = (XR_EGOPOSE.matrix * [[0.5], [0.5], [1]]).tolist()
    Path("lens.yaml").write_text(
        f"K: {matrix}\nD: {list(XR_EGOPOSE.distortion)}\nimage_width: 640\nimage_height: 400\n"
    )
    for name in ("smoke", "my_tree"):
        Path("data", name).symlink_to(miniature.tree)
    Path("xr-egopose").mkdir()
    return tmp_path


TO_RUN = [
    page
    for page, text in TEXTS.items()
    if any(map(runs_here, commands(text))) or blocks(text, "python")
]


@pytest.mark.parametrize("page", TO_RUN, ids=lambda p: p.stem)
def test_the_commands_and_then_the_python_run(page, desk, shared_toy_tree, capfd):
    for command in commands(TEXTS[page]):
        if runs_here(command):
            if command.startswith("egolib extract") and not Path("parts").exists():
                write_release(shared_toy_tree, "parts")
            if command.startswith("egolib pack") and not any(Path("xr-egopose").iterdir()):
                Path("xr-egopose").rmdir()
                Path("xr-egopose").symlink_to(shared_toy_tree)
            assert cli.main(shlex.split(command)[1:]) == 0, (command, capfd.readouterr().err)
    capfd.readouterr()
    for block in blocks(TEXTS[page], "python"):
        if not block.startswith("import json, sys"):  # tests/headset/test_exporting.py runs it
            exec(compile(block, str(page), "exec"), {})
    if page.name == "README.md":
        numbers = re.findall(r"-?\d+\.\d*", capfd.readouterr().out)
        assert len(numbers) == 48  # x, y and z of 16 joints
        assert any(float(number) for number in numbers)
