"""Tables hold the numbers one computes by hand; measured and published never share a column."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from egolib.config import PROFILES, Method
from egolib.evaluation import literature as published
from egolib.evaluation import tables as results
from egolib.evaluation.predictions import Predictions
from egolib.experiments import manifest as report
from egolib.experiments.publishing import README_MARKERS, RUN, publish
from egolib.foundation.errors import EgolibError
from egolib.skeleton import ACTIONS, HEATMAP_JOINTS, JOINTS

LABEL = "a toy of 4 frames"
START, END = README_MARKERS
RUN_START, RUN_END = RUN.markers
MEASURED = (f"measured on {LABEL}", Method.END_TO_END.label)


def toy_predictions(offsets_mm, actions, clips):
    """Frames whose every joint is off by offsets_mm (N,) along x, the 2D ones by 2 px of 100."""
    n = len(offsets_mm)
    truth = np.random.default_rng(0).normal(0, 0.3, (n, len(JOINTS), 3))
    truth -= truth[:, :1]
    shift = np.array([0.001, 0, 0]) * np.asarray(offsets_mm)[:, None, None]
    true_uv_crop = np.full((n, len(HEATMAP_JOINTS), 2), 40.0)
    return Predictions(
        predicted_rel_m=truth + shift,
        true_rel_m=truth,
        predicted_uv_crop=true_uv_crop + (2, 0),
        true_uv_crop=true_uv_crop,
        confidence=np.ones(true_uv_crop.shape[:2]),
        in_front=np.ones(true_uv_crop.shape[:2], bool),
        image_px=100,
        character=np.array(["female_004_a_a"] * n),
        environment=np.array(["env_001"] * n),
        clip=np.array(clips),
        action=np.array(actions),
        number=np.arange(n),
        image=np.array([f"{i}.png" for i in range(n)]),
    )


def test_environments_of_one_performance_are_one_cluster():
    """They share its motion: intervals that took them for independent would be too narrow."""
    clips = ["Boxing", "Boxing_mixamo_com", "Boxing", "walking"]
    toy = toy_predictions(np.zeros(4), ["Gaming"] * 3 + ["Walking"], clips)
    people = np.array(["female_004_a_a", "female_004_a_a", "male_001_a_a", "female_004_a_a"])
    toy = dataclasses.replace(
        toy, environment=np.array(["env_001", "env_002", "env_001", "env_001"])
    )
    toy = dataclasses.replace(toy, character=people)
    assert toy.sequence[0] == toy.sequence[1]
    assert len(set(toy.sequence)) == 3


@pytest.fixture
def toy():
    return toy_predictions(
        [10, 20, 30, 100],
        ["Gaming", "Gaming", "Gaming", "Unknown"],
        ["Boxing", "Boxing", "Dribble", "else"],
    )


def test_all_counts_each_frame_once_also_those_of_unknown_actions(toy):
    table = results.error_by_action({"end_to_end": toy}, LABEL)
    means = table[MEASURED[0], MEASURED[1], "mean"]
    assert list(table.index) == [*ACTIONS, "Unknown", "All"]
    assert means["Gaming"] == pytest.approx(20)
    assert means["Unknown"] == pytest.approx(100)
    assert means["All"] == pytest.approx(40)  # the mean of frames, not of actions (60)
    assert means.drop(["Gaming", "Unknown", "All"]).isna().all()


def test_unknown_has_a_row_only_when_present(toy):
    known = toy_predictions([10, 20], ["Gaming", "Walking"], ["Boxing", "walking"])
    assert list(results.error_by_action({"end_to_end": known}, LABEL).index) == [*ACTIONS, "All"]


def test_intervals_need_two_sequences(toy):
    table = results.error_by_action({"end_to_end": toy}, LABEL)
    low, high = (table[*MEASURED, name] for name in ("low", "high"))
    assert low["Gaming"] == pytest.approx(15)
    assert high["Gaming"] == pytest.approx(30)
    assert np.isnan(low["Unknown"])
    assert results.formatted(table)[MEASURED]["Gaming"] == "20.0 [15.0, 30.0]"
    assert results.formatted(table)[MEASURED]["Unknown"] == "100.0"
    assert results.formatted(table)[MEASURED]["Walking"] == "–"


def test_joint_rows_and_their_two_sides(toy):
    only_left = toy.predicted_rel_m.copy()
    only_left[:] = toy.true_rel_m
    only_left[:, JOINTS.index("LeftHand"), 2] += 0.08
    changed = dataclasses.replace(toy, predicted_rel_m=only_left)
    means = results.error_by_joint({"end_to_end": changed}, LABEL)[*MEASURED, "mean"]
    assert means["LeftHand"] == pytest.approx(80)
    assert means["RightHand"] == pytest.approx(0)
    assert means["Hand, both sides"] == pytest.approx(40)
    assert means["All"] == pytest.approx(5)
    groups = results.error_by_body_group({"end_to_end": changed}, LABEL)[*MEASURED, "mean"]
    assert groups.to_dict() == pytest.approx({"Upper body": 10, "Lower body": 0, "Full body": 5})


def test_summary_by_hand(toy):
    table = results.summary({"oracle": toy, "end_to_end": toy}, LABEL)
    means = table[*MEASURED, "mean"]
    assert means["MPJPE (mm)"] == pytest.approx(40)
    assert means["MPJPE, necks aligned (mm)"] == pytest.approx(0, abs=1e-6)
    assert means["PA-MPJPE (mm)"] == pytest.approx(0, abs=1e-6)
    assert means["PCK at 150 mm (%)"] == 100
    assert means["2D error, median (px of the input)"] == pytest.approx(2)
    assert means["2D joints within a tenth of the image (%)"] == 100
    assert (means["frames"], means["clusters (a character in a clip)"]) == (4, 3)
    oracle = table[MEASURED[0], Method.ORACLE.label, "mean"]
    assert np.isnan(oracle["2D error, median (px of the input)"])


def test_published_figures_have_columns_of_their_own(toy):
    table = results.error_by_action({"dual": toy, "end_to_end": toy}, LABEL)
    groups = table.columns.get_level_values(0)
    assert set(groups) == {MEASURED[0], "published, full data set"}
    assert not set(table[MEASURED[0]].columns.get_level_values(0)) & {
        result.method for result in published.RESULTS
    }
    dual = table["published, full data set", "xR-EgoPose dual branch", "mean"]
    assert (dual["Gaming"], dual["Walking"], dual["All"]) == (56.0, 57.7, 58.2)
    assert np.isnan(dual["Unknown"])
    assert "xR-EgoPose dual branch †" in results.formatted(table)["published, full data set"]
    assert any("53.9" in note and "58.2" in note for note in results.footnotes(table))


def test_rows_of_published_results_give_their_totals_except_the_noted_one():
    counts = {
        "UpperStretching": 61163, "LowerStretching": 18574, "Walking": 11962, "Reacting": 6790,
        "Gesticulating": 5205, "Gaming": 3985, "Talking": 3085, "Patting": 3002, "Greeting": 1855,
    }  # fmt: skip
    for result in published.RESULTS:
        if result.by_action:
            total = sum(counts[a] * v for a, v in result.by_action.items()) / sum(counts.values())
            assert (abs(total - result.all) < 0.35) == (not result.footnote), result.method


def test_tables_on_disk(toy, tmp_path):
    results.write_tables({"end_to_end": toy}, LABEL, tmp_path / "tables")
    names = {f"{n}.{e}" for n in ("by_action", "by_joint", "by_body_group", "summary")
             for e in ("csv", "md", "tex")}  # fmt: skip
    assert {path.name for path in (tmp_path / "tables").iterdir()} == names
    stored = results.read_table(tmp_path / "tables" / "by_action.csv")
    table = results.error_by_action({"end_to_end": toy}, LABEL)
    pd.testing.assert_frame_equal(stored, table, atol=1e-4, check_names=False)
    assert stored.loc["All", (*MEASURED, "mean")] == pytest.approx(40)
    assert list(stored.columns.names) == ["source", "name", "statistic"]
    latex = (tmp_path / "tables" / "by_action.tex").read_text()
    assert r"20.0 [15.0, 30.0]" in latex
    assert "†" not in latex
    assert "20.0 [15.0, 30.0]" in (tmp_path / "tables" / "by_action.md").read_text()


def test_a_table_whose_first_rows_are_empty_is_read_as_it_was_written(toy, tmp_path):
    """pandas takes an empty first row for the name of the index, unless the index has one."""
    walking = dataclasses.replace(toy, action=np.array(["Walking"] * 4))
    table = results.error_by_action({"end_to_end": walking}, LABEL)[[(*MEASURED, "mean")]]
    results.write_table("Toy", table, tmp_path, "toy")
    stored = results.read_table(tmp_path / "toy.csv")
    pd.testing.assert_frame_equal(stored, table, atol=1e-4)


def test_a_table_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(EgolibError, match=r"gone\.csv: missing; run"):
        results.read_table(tmp_path / "gone.csv")
    (tmp_path / "old.csv").write_text("row,a | b | mean\nAll,1.0\nHead,2.0\nNeck,3.0\n")
    with pytest.raises(EgolibError, match=r"old\.csv: not a table of this version"):
        results.read_table(tmp_path / "old.csv")


def write_pages(repository, run=f"{RUN_START}\n{RUN_END}", readme=f"{START}\n{END}"):
    """README.md and docs/results.md with their markers."""
    (repository / "docs").mkdir(parents=True, exist_ok=True)
    (repository / "docs" / "results.md").write_text(run)
    (repository / "README.md").write_text(readme)


def finished_run(folder, toy, profile="quick"):
    results.write_tables({"end_to_end": toy}, LABEL, folder / "tables")
    report.write_manifest(
        folder / "manifest.json", profile=PROFILES[profile], seed=3,
        duration_s={"render": 60.0, "train": 600.0}, data={"test": "f00d"}, frames={"test": 4},
        left_out={"test": {"excluded": 3, "unpaired_images": 2, "unpaired_labels": 1}}, note="mine",
    )  # fmt: skip
    (folder / "figures").mkdir()
    for name in (*RUN.figure, *RUN.last_figure, "other"):
        (folder / "figures" / f"{name}.png").write_bytes(b"png")
    (folder / "figures" / "other.pdf").write_bytes(b"pdf")


def test_manifest_says_what_made_the_results(toy, tmp_path):
    finished_run(tmp_path, toy)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["profile"]["heatmaps"]["image_px"] == 128
    assert (manifest["seed"], manifest["data"], manifest["note"]) == (3, {"test": "f00d"}, "mine")
    assert manifest["duration_s"]["train"] == 600
    assert {"python", "torch", "torchvision", "lightning", "numpy", "anny", "warp-lang",
            "opencv-python-headless"} <= manifest["versions"].keys()  # fmt: skip
    assert manifest["versions"]["numpy"] == np.__version__
    assert manifest["hardware"].keys() == {"cpu", "cores", "memory_gib", "gpu", "bf16"}
    assert "date" in manifest


def test_git_state_outside_git(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert report.git_state(tmp_path) == (None, None)


def test_tables_about_the_data_are_published_too(toy, tmp_path):
    run = tmp_path / "run"
    finished_run(run, toy)
    table = pd.DataFrame({"train": [3], "test": [1]}, index=["frames"])
    assert results.save_table(table, run / "tables", "data_splits") is table
    write_pages(tmp_path)
    published = publish(run, tmp_path) / "tables"
    again = pd.read_csv(published / "data_splits.csv", index_col="row")
    assert again.loc["frames"].to_dict() == {"train": 3, "test": 1}
    assert "| frames |" in (published / "data_splits.md").read_text()


def test_publish_refreshes_the_readme_between_its_markers_only(toy, tmp_path):
    run, repository = tmp_path / "run", tmp_path / "repository"
    finished_run(run, toy)
    write_pages(repository, readme=f"# Title\n\n{START}\nold\n{END}\n\nend\n")
    readme, details = repository / "README.md", repository / "docs" / "results.md"
    stale = repository / "results" / "published" / "quick" / "stale.md"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    for _ in range(2):
        target = publish(run, repository)
        text = readme.read_text()
        assert text.startswith(f"# Title\n\n{START}\n")
        assert text.endswith(f"{END}\n\nend\n")
    assert "old" not in text.split(START)[1].split("\n")
    assert "it took 11 min" in text
    assert "(results/published/quick/figures/predictions.png)" in text
    assert text.count("| ") > 10
    assert "measured: full body" in text
    assert "published: full body" in text
    shown = details.read_text()
    assert "(../results/published/quick/figures/which_joints_are_wrong.png)" in shown
    assert shown.count("**Mean error by part of the body (mm)**") == 1
    suffixes = {path.suffix for path in target.rglob("*") if path.is_file()}
    assert suffixes == {".csv", ".json", ".md", ".png"}
    assert not stale.exists()


def test_publish_refuses_smoke_with_other_settings_too(toy, tmp_path):
    finished_run(tmp_path / "run", toy)
    path = tmp_path / "run" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["profile"]["name"] = "smoke-lifter.latent_size=7"
    path.write_text(json.dumps(manifest))
    write_pages(tmp_path)
    with pytest.raises(EgolibError, match="smoke"):
        publish(tmp_path / "run", tmp_path)


@pytest.mark.parametrize("lacking", ["manifest.json", "tables/by_joint.csv",
                                     "figures/which_joints_are_wrong.png", "markers",
                                     "markers of the details", "smoke"])  # fmt: skip
def test_publish_refuses_before_it_writes(toy, tmp_path, lacking):
    run = tmp_path / "run"
    finished_run(run, toy, "smoke" if lacking == "smoke" else "quick")
    write_pages(tmp_path)
    readme = tmp_path / "README.md"
    if lacking == "markers":
        readme.write_text(f"{END}\n{START}")
    elif lacking == "markers of the details":
        write_pages(tmp_path, run=f"{RUN_END}\n{RUN_START}")
    elif lacking != "smoke":
        (run / lacking).unlink()
    before = readme.read_text()
    named = {"markers": "README.md", "markers of the details": "results.md", "smoke": "smoke"}.get(
        lacking, lacking
    )
    with pytest.raises(EgolibError, match=named):
        publish(run, tmp_path)
    assert readme.read_text() == before
    assert not (tmp_path / "results").exists()
