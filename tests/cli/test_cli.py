"""Bad input at the command line: one line that names the culprit, and exit code 2."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import write_toy_tree

from egolib import cli
from egolib.config import RenderConfig
from egolib.evaluation.tables import read_table
from egolib.experiments import run as study
from egolib.foundation import files
from egolib.models.checkpoints import NetworkSpec, build_network, save_network

SPEC = NetworkSpec("end_to_end", "resnet18", 64, 1.0)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "end_to_end.safetensors"
    save_network(path, build_network(SPEC), SPEC, {"profile": "test"})
    return path


def fails_with(capsys, arguments, *fragments):
    assert cli.main([str(argument) for argument in arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    message = lines[-1]
    assert message.startswith("egolib: ")
    for fragment in fragments:
        assert str(fragment) in message


def test_data_that_is_no_tree(capsys, tmp_path, checkpoint):
    folder = tmp_path / "images"
    folder.mkdir()
    fails_with(capsys, ["evaluate", checkpoint, "--data", folder], folder, "not a tree of frames")


def test_a_tree_without_the_split(capsys, tmp_path, checkpoint):
    (tmp_path / "TrainSet").mkdir()
    fails_with(capsys, ["evaluate", checkpoint, "--data", tmp_path], "has no TestSet")


def test_what_is_no_checkpoint(capsys, tmp_path, shared_toy_tree):
    path = tmp_path / "model_best.tar"
    path.write_bytes(b"\x80\x02}q\x00.")
    arguments = ["evaluate", path, "--data", shared_toy_tree]
    fails_with(capsys, arguments, path, "not a whole safetensors file")


def test_unknown_profile(capsys, tmp_path):
    arguments = ["train", "lifter", "--profile", "fast", "--results", tmp_path]
    fails_with(capsys, arguments, "unknown profile 'fast'", "smoke, quick, study, paper")


def test_the_paper_profile_wants_data(capsys, tmp_path):
    arguments = ["run", "--profile", "paper", "--results", tmp_path]
    fails_with(capsys, arguments, "give --data DIR")


def test_results_of_another_run_are_not_overwritten(capsys, tmp_path, shared_toy_tree):
    arguments = ["train", "end_to_end", "--profile", "smoke", "--results", tmp_path]
    fails_with(capsys, [*arguments, "--data", "/data/misspelt"], "no such folder")
    # Nothing was trained there yet, so the folder is free.
    fails_with(capsys, [*arguments, "--data", shared_toy_tree], "heatmaps.safetensors")
    (tmp_path / "checkpoints").mkdir()
    arguments = [*arguments, "--data", "/data/other"]
    fails_with(capsys, arguments, tmp_path, shared_toy_tree, "--results")


def test_a_marker_that_cannot_be_read_is_named(capsys, tmp_path, shared_toy_tree):
    (tmp_path / "study.json").write_text("{")
    arguments = ["train", "lifter", "--profile", "smoke", "--data", shared_toy_tree]
    fails_with(capsys, [*arguments, "--results", tmp_path], tmp_path / "study.json", "not readable")


def test_a_seed_that_libraries_refuse_is_refused_first(capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "lifter", "--seed", str(2**32)])
    assert "4294967296 is not from 0 to 4294967295" in capsys.readouterr().err


def test_training_on_a_tree_that_nobody_audited_says_so(
    capsys, tmp_path, shared_toy_tree, monkeypatch
):
    monkeypatch.setattr(study.Study, "train", lambda *_: "trained")
    monkeypatch.setattr(study.torch.cuda, "is_available", lambda: False)
    arguments = ["train", "lifter", "--profile", "paper", "--data", str(shared_toy_tree)]
    assert cli.main([*arguments, "--results", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert f"{shared_toy_tree}: not audited" in output
    assert "PyTorch finds no GPU" in output


def test_a_spoilt_png_while_training(capsys, tmp_path):
    tree = write_toy_tree(tmp_path / "tree", frames=2)
    image = next((tree / "TrainSet").rglob("*.png"))
    image.write_bytes(image.read_bytes()[:200])
    arguments = ["train", "heatmaps", "--profile", "smoke", "--data", tree]
    fails_with(capsys, [*arguments, "--results", tmp_path / "out"], image, "cut short")
    assert not (tmp_path / "out" / "checkpoints" / "heatmaps.safetensors").exists()


def test_no_space_left_while_rendering(capsys, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    fails_with(capsys, ["render", tmp_path / "tree", "--profile", "smoke"], "no space left")


def test_a_wrong_scale(capsys, tmp_path):
    fails_with(capsys, ["render", tmp_path / "tree", "--scale", "0.123"], "0.123", "1/80")


def test_evaluate_prints_tables_and_leaves_images(capsys, tmp_path, checkpoint, shared_toy_tree):
    arguments = ["evaluate", checkpoint, "--data", shared_toy_tree, "--out", tmp_path / "out"]
    assert cli.main([str(argument) for argument in arguments]) == 0
    printed = capsys.readouterr().out
    assert "measured on tree, test (32 frames)" in printed
    assert "MPJPE (mm)" in printed
    assert (tmp_path / "out" / "figures" / "predictions.png").stat().st_size > 10_000
    assert (tmp_path / "out" / "tables" / "by_joint.csv").is_file()
    assert (tmp_path / "out" / "tables" / "pixel_errors.csv").is_file()
    errors = pd.read_csv(tmp_path / "out" / "errors.csv")
    assert len(errors) == 32
    summary = read_table(tmp_path / "out" / "tables" / "summary.csv")
    label = "measured on tree, test (32 frames)"
    mean_mm = summary[label].xs("mean", axis=1, level=1).loc["MPJPE (mm)"].item()
    assert errors["mpjpe_mm"].mean() == pytest.approx(mean_mm, abs=1e-3)
    assert errors.filter(like="_mm").shape == (32, 17)
    assert errors["LeftHand_px"].notna().any()


@pytest.mark.parametrize(
    ("kind", "method"),
    [("lifter", "dual"), ("end_to_end", "rotation"), ("ray_model", "dual")],
)
def test_evaluate_gives_every_table_of_every_network(
    capsys, tmp_path, shared_toy_tree, kind, method
):
    spec = NetworkSpec(kind, "resnet18", 64, 1.0, method=method)
    path = tmp_path / "net.safetensors"
    save_network(path, build_network(spec), spec, {"profile": "test"})
    assert cli.main(["evaluate", str(path), "--data", str(shared_toy_tree)]) == 0
    printed = capsys.readouterr().out
    assert "**MPJPE by joint (mm)**" in printed
    assert "**PCK at 150 mm by joint (%)**" not in printed
    tables = tmp_path / "net" / "tables"
    costs = read_table(tables / "costs.csv").iloc[0]
    for what in ("MPJPE (mm)", "PA-MPJPE (mm)", "PCK at 150 mm (%)", "AUC, 0 to 150 mm (%)"):
        assert np.isfinite(costs["measured on tree, test (32 frames)", what, "mean"])
    assert costs["what it costs", "GFLOPs", "mean"] > 0
    grouped = {f"by_{group}{suffix}.csv" for group in ("action", "joint", "body_group")
               for suffix in ("", "_pa", "_pck", "_auc")}  # fmt: skip
    assert grouped <= {found.name for found in tables.iterdir()}
    assert (tables / "rotations.csv").is_file() == (method == "rotation")
    errors = pd.read_csv(tmp_path / "net" / "errors.csv")
    assert len(errors.filter(like="_deg").columns) == (16 if method == "rotation" else 0)
    assert "Seen and hidden joints: not available" in printed
    assert not len(errors.filter(like="_state").columns)


def test_evaluate_a_heatmap_network_alone(capsys, tmp_path, shared_toy_tree):
    spec = NetworkSpec("heatmaps", "resnet18", 64, 1.0)
    path = tmp_path / "heatmaps.safetensors"
    save_network(path, build_network(spec), spec, {"profile": "test"})
    assert cli.main(["evaluate", str(path), "--data", str(shared_toy_tree)]) == 0
    assert "LeftToeBase" in capsys.readouterr().out
    assert (tmp_path / "heatmaps" / "tables" / "pixel_errors.csv").is_file()
    assert (tmp_path / "heatmaps" / "figures" / "predictions.png").is_file()
    errors = pd.read_csv(tmp_path / "heatmaps" / "errors.csv")
    assert not errors.filter(like="_mm").size
    assert errors.filter(like="_px").shape == (32, 16)


@pytest.mark.parametrize(("option", "value"), [("--seed", "-1"), ("--devices", "x")])
def test_numbers_that_are_none(capsys, option, value):
    with pytest.raises(SystemExit) as caught:
        cli.main(["train", "lifter", f"{option}={value}"])
    assert caught.value.code == 2
    assert option in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("shard", ["0/3", "4/3", "a/b", "2", "1/0", "-1/2"])
def test_shards_that_are_none(capsys, tmp_path, shard):
    with pytest.raises(SystemExit) as caught:
        cli.main(["render", str(tmp_path / "tree"), f"--shard={shard}"])
    assert caught.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"--shard: '{shard}' is not I/N" in last
    assert not (tmp_path / "tree").exists()


def test_help_does_not_wait_for_torch():
    code = "import sys; from egolib import cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_interruption_says_how_to_go_on(capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    for what in ("publishing.publish", "run.open_study", "sweep.open_sweep"):
        monkeypatch.setattr(f"egolib.experiments.{what}", interrupted)
    assert cli.main(["publish", "somewhere"]) == 130
    assert "nothing was kept; the same command begins anew" in capsys.readouterr().err
    assert cli.main(["sweep"]) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert cli.main(["train", "heatmaps"]) == 130
    assert "the same command with --resume goes on" in capsys.readouterr().err
    assert cli.main(["train", "heatmaps", "--resume"]) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_what_cannot_be_written_is_one_line(capsys, tmp_path, checkpoint, shared_toy_tree):
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "file" / "out"
    arguments = ["evaluate", checkpoint, "--data", shared_toy_tree, "--out", out]
    fails_with(capsys, arguments, tmp_path / "file")


@pytest.mark.parametrize("arguments", [
    ["run", "--profile", "study", "--seed", "3"],
    ["sweep", "--submit", "2", "--hours", "1"],
    ["sweep", "--shard", "2/3", "--no-training", "study"],
])  # fmt: skip
def test_an_option_that_would_change_nothing_is_refused(capsys, arguments):
    fails_with(capsys, arguments, arguments[-2])


def test_the_defaults_of_the_miniature_fit_the_quick_profile():
    assert RenderConfig().scale * 800 >= 128


@pytest.mark.parametrize(
    "arguments",
    [
        *(["score", "a", "b", f"--threshold-px={x}"] for x in ("nan", "-5", "inf", "x", "")),
        *(["render", "out", f"--scale={x}"] for x in ("nan", "1e-9", "0", "-1", "1e300")),
        *(["render", "out", f"--seed={x}"] for x in ("4294967296", "1e3", "٣", "9" * 5000)),
        *(["train", "lifter", f"--nodes={x}"] for x in ("0", "-1", "x", "1000000")),
        *(["pack", "a", "b", f"--workers={x}"] for x in ("-1", "1000000000000")),
        *(["sweep", f"--hours={x}"] for x in ("0", "nan", "inf", "-1")),
        *(["render", "out", f"--shard={x}"] for x in ("1/1000000000000", "²/3")),
        *(["predict", "a", "b", f"--circle={x}"] for x in ("1,2", "nan,1,1", "1,1,inf", "a,b,c")),
    ],
    ids=str,
)  # fmt: skip
def test_options_out_of_range(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert arguments[-1].partition("=")[0] in capsys.readouterr().err.splitlines()[-1]


def run_command(arguments, **options):
    command = [sys.executable, "-m", "egolib.cli", *arguments]
    return subprocess.run(command, capture_output="stdout" not in options, text=True, **options)


def test_a_reader_that_goes_away_is_no_traceback(tmp_path):
    """As `egolib ... | head -1`."""
    read, write = os.pipe()
    os.close(read)
    done = run_command(["pack", "--help"], stdout=write, stderr=subprocess.PIPE)
    assert "Traceback" not in done.stderr
    done = run_command(["match", str(tmp_path)], stdout=write, stderr=subprocess.PIPE)
    assert done.stderr.count("\n") == 1
    os.close(write)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux")
def test_output_that_cannot_be_written_is_one_line(tmp_path, shared_toy_tree):
    pack = tmp_path / "pack"
    assert cli.main(["pack", str(shared_toy_tree), str(pack), "--px", "64"]) == 0
    with open("/dev/full", "w") as full:
        done = run_command(["verify", str(pack)], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "egolib: output: No space left on device"


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_names_are_the_same_in_every_locale(tmp_path, locale):
    environment = {**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run_command(["score", str(tmp_path / "poses ä.csv"), "x"], env=environment)
    assert done.returncode == 2
    assert done.stderr == f"egolib: {tmp_path}/poses ä.csv: no such file\n"


@pytest.mark.parametrize("name", ["x" * 300, "a/" * 3000])
def test_names_that_are_too_long(capsys, tmp_path, shared_toy_tree, name):
    assert cli.main(["pack", str(shared_toy_tree), str(tmp_path / name)]) == 2
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.startswith("egolib: ")
    assert "File name too long" in line
