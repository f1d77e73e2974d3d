"""Pages hold what the run's files say, and nothing that has to be fetched."""

import dataclasses
import json
import re
from types import SimpleNamespace

import cv2
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from toy_run import (
    LABEL,
    N,
    all_seen,
    finished_run,
    off_by,
    perfect,
    toy_index,
    unfinished_sweep,
)

from egolib import cli
from egolib.evaluation.analysis.answers import Answer
from egolib.foundation.errors import EgolibError
from egolib.report import (
    changes,
    gallery,
    write_comparison,
    write_report,
    write_study_pages,
    write_sweep_report,
)
from egolib.report.difference import difference_table
from egolib.report.explore import write_pages
from egolib.report.notebook import notebook_page, with_formulas
from egolib.report.overview import CHAPTERS
from egolib.skeleton import JOINTS


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return toy_index(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def models(index):
    truth = perfect(index)
    return {"oracle": off_by(truth, (10, 0, 0)), "dual": off_by(truth, (0, 60, 0)),
            "mine": off_by(truth, (0, 0, 40))}  # fmt: skip


def outside_requests(text):
    """What a page would fetch from elsewhere."""
    return re.findall(
        r'(?:src|href)="(https?:[^"]+\.(?:js|css|woff2?|png))"|@import|url\(http', text
    )


def test_excerpts_are_whole_sequences_within_a_budget(index):
    whole = gallery.excerpts(index)
    assert [len(part) for part in whole] == [8] * 8
    assert np.array_equal(np.concatenate(whole), np.arange(N))
    few = gallery.excerpts(index, most_frames=20, longest=5)
    assert sum(map(len, few)) <= 20
    assert all((np.diff(part) == 1).all() and len(part) <= 5 for part in few)


def test_the_gallery_shows_images_and_poses(index, models, tmp_path):
    places = gallery.write_gallery(index, models, tmp_path)
    content = json.loads((tmp_path / "gallery.js").read_text()[len("const gallery = ") : -2])
    strip = cv2.imread(str(tmp_path / "images" / "1.webp"))
    assert strip.shape == (256, 8 * 256, 3)
    colour = index.read_square(int(places[8]), 256)[128, 128][::-1].astype(int)
    assert strip[128, 128].astype(int) == pytest.approx(colour, abs=12)
    mine = content["models"]["mine"]
    assert mine["mpjpe"] == [40] * N
    down = np.array(content["truth"]["pose"]).reshape(N, 16, 3) - np.array(mine["pose"]).reshape(
        N, 16, 3
    )
    assert np.abs(down - (0, 0, 40)).max() <= 1  # camera z is down, the pages' is up
    assert content["truth"]["px"][0][1] / 10 == pytest.approx(
        (models["mine"].true_uv_crop[0, 0, 1] + 0.5) * 4 - 0.5, abs=0.06
    )


def test_the_interactive_pages_need_nothing_from_elsewhere(index, models, tmp_path):
    pages = write_pages(index, models, all_seen(), tmp_path)
    assert [page.name for page in pages] == ["viewer.html", "explorer.html", "clouds.html"]
    for page in pages:
        text = page.read_text()
        assert not outside_requests(text)
        assert '<script src="plotly.min.js">' in text
        assert '<option value="mine" selected>mine</option>' in text
    clouds = json.loads(re.search(r"const content = (.*);", text)[1])
    assert clouds["models"]["dual"]["bias"][JOINTS.index("LeftHand")] == [0, 60, 0]
    assert clouds["models"]["dual"]["mean"] == [60] * 16


def test_the_report(index, models, tmp_path):
    finished_run(tmp_path, models, ["which_joints_are_wrong", "which_joints_are_wrong_by_model"])
    captions = {
        "which_joints_are_wrong": "Which?",
        "which_joints_are_wrong_by_model": "The models side by side.",
    }
    answers = {
        "which_joints_are_wrong": {
            "question": "Which?",
            "sentence": "Hands <b>are</b>.",
            "figures": captions,
        }
    }
    (tmp_path / "tables" / "answers.json").write_text(json.dumps(answers))
    text = write_report(tmp_path).read_text()
    assert (
        "No run of this profile is published" in text
        or "Against the published run" in text
        or ("other test frames" in text)
    )
    assert "Hands &lt;b&gt;are&lt;/b&gt;." in text  # of the first page
    text = (tmp_path / "errors.html").read_text()
    assert "Hands &lt;b&gt;are&lt;/b&gt;." in text
    assert text.count("figures/which_joints_are_wrong") == 4  # two images, and their pdf
    assert "The models side by side. <a" in text
    text = "".join(path.read_text() for path in tmp_path.glob("*.html"))
    assert not outside_requests(text)
    assert re.search(r"<b>40\.0 <small>\[40\.0, 40\.0\]</small></b><span>MPJPE \(mm\), mine", text)
    assert f"measured on {LABEL}; those headed &#39;published, full data set&#39;" in text
    assert "./run_all.sh --seed 3" in text
    assert "3 excluded by the audit" in text
    assert "figures/training_lifter.png" in text
    assert re.search(r'<td data-value="60\.0">60\.0 \[60\.0, 60\.0\]</td>', text)


def test_the_report_of_an_unfinished_sweep(models, tmp_path):
    unfinished_sweep(tmp_path, {"end_to_end": models["dual"], "ray_model": models["mine"]})
    text = write_sweep_report(tmp_path).read_text()
    assert not outside_requests(text)
    assert "2 of 4 runs are trained" in text
    assert "In part: end_to_end (1 of 2 seeds), ray_model (1 of 2 seeds)." in text
    assert "Not yet" not in text
    assert re.search(
        r"<b>40\.0 <small>\[40\.0, 40\.0\]</small></b><span>MPJPE \(mm\), ray_model<", text
    )
    claim = text.split("The ray model beats the end-to-end dual branch</th>")[1].split("</tr>")[0]
    assert re.findall(r">([^<]+)</td>", claim) == [
        "holds",
        "20.0 [20.0, 20.0]",
        "100.0",
        "0.67 [0.67, 0.67] (the aim of 0.65 is missed)",
        "1",
    ]
    assert "published, full data set" in text
    assert "58.2" in text  # what the paper printed for the dual branch
    assert "The interval of one with a single seed" in text
    assert "figures/ablation_size.png" in text
    (tmp_path / "tables" / "claims.csv").unlink()
    with pytest.raises(
        EgolibError, match=r"claims\.csv: missing; run `egolib sweep --no-training`"
    ):
        write_sweep_report(tmp_path)


def test_a_study_s_pages(index, models, tmp_path):
    """Interactive pages, notebooks, data card and audit, and what the report links to is there."""
    results, tree = tmp_path / "results", index.root
    finished_run(results, models)
    (results / "notebooks").mkdir()
    notebook = new_notebook(cells=[new_markdown_cell("# Why?")])
    nbformat.write(notebook, results / "notebooks" / "05_analyse_errors.ipynb")
    (tree / "audit").mkdir()
    for name in ("index.html", "findings.csv"):
        (tree / "audit" / name).write_text("found")
    study = SimpleNamespace(
        results=results, tree=tree, source=None, renders=True,
        models=lambda: models, index=lambda split: index,
    )  # fmt: skip
    write_study_pages(study)
    write_report(results)
    text = "".join((results / f"{name}.html").read_text() for name in ("index", *CHAPTERS))
    linked = [link for link in re.findall(r'(?:href|src)="([^"#:]+)"', text) if link[-4:] != ".pdf"]
    assert {"pages/viewer.html", "notebooks/05_analyse_errors.html", "data_card.html",
            "audit/index.html", "figures/predictions.png"} <= set(linked)  # fmt: skip
    assert all((results / link).is_file() for link in linked)
    assert "objectId" in (results / "data_card.html").read_text()


def test_a_run_is_compared_with_the_published_one(index, models, tmp_path, monkeypatch):
    published = tmp_path / "repository" / "results" / "published" / "quick"
    finished_run(tmp_path / "run", models)
    monkeypatch.setattr(changes, "REPOSITORY", tmp_path / "repository")
    assert "No run of this profile is published." in write_report(tmp_path / "run").read_text()
    finished_run(published, {"mine": off_by(models["mine"], (0, 0, 55)), "dual": models["dual"]})
    text = write_report(tmp_path / "run").read_text()
    assert "dual branch +0.0 mm; mine -15.0 mm" in text or "mine -15.0 mm; dual" in text
    assert "Without overlap of the intervals: mine." in text
    manifest = json.loads((published / "manifest.json").read_text())
    manifest["data"]["test"] = "other"
    (published / "manifest.json").write_text(json.dumps(manifest))
    assert "has other test frames" in write_report(tmp_path / "run").read_text()


def test_a_report_of_an_unfinished_run_is_refused(models, tmp_path):
    with pytest.raises(EgolibError, match=r"manifest\.json: missing"):
        write_report(tmp_path)
    finished_run(tmp_path, models)
    (tmp_path / "tables" / "by_joint.csv").unlink()
    with pytest.raises(EgolibError, match=r"by_joint\.csv: missing"):
        write_report(tmp_path)


def test_answers_are_kept_in_the_order_of_their_first_asking(tmp_path, capsys):
    for name, sentence in (("first", "1"), ("second", "2"), ("first", "3")):
        Answer(name, "?", sentence).keep(tmp_path, {f"{name}_spread": "The spread."})
    kept = json.loads((tmp_path / "answers.json").read_text())
    assert [(name, a["sentence"]) for name, a in kept.items()] == [("first", "3"), ("second", "2")]
    assert kept["second"]["figures"] == {"second": "?", "second_spread": "The spread."}
    assert capsys.readouterr().out.split() == ["1", "2", "3"]


def test_formulas_become_mathml_and_code_and_prices_stay():
    text = with_formulas("of $x_1$ and `$y$`, $5 or $6:\n\n$$\\frac{1}{2}$$")
    assert text.count("<math") == 2
    assert 'display="block"' in text
    assert "`$y$`, $5 or $6" in text


def test_a_notebook_as_a_page(tmp_path):
    sources = tmp_path / "repository" / "notebooks"
    sources.mkdir(parents=True)
    (tmp_path / "repository" / "code.py").touch()
    path = tmp_path / "results" / "notebooks" / "01_a.ipynb"
    path.parent.mkdir(parents=True)
    output = new_output("stream", text="forty-two")
    cells = [
        new_markdown_cell("see [code](../code.py), $x^2$"),
        new_code_cell("6 * 7", outputs=[output]),
    ]
    nbformat.write(new_notebook(cells=cells), path)
    text = notebook_page(path, sources).read_text()
    assert 'href="../../repository/code.py"' in text
    assert "forty-two" in text
    assert "<math" in text
    assert not outside_requests(text)


def test_two_runs_compared(index, models, tmp_path):
    finished_run(tmp_path / "a", {"mine": models["mine"]})
    finished_run(
        tmp_path / "b", {"mine": off_by(models["mine"], (0, 0, 55)), "other": models["dual"]}
    )
    text = write_comparison(tmp_path / "a", tmp_path / "b", tmp_path / "page.html").read_text()
    assert f"mine: B is 15 mm worse [15, 15] than A, on the same {N} test frames." in text
    assert "<svg" in text
    assert not outside_requests(text)


def test_a_difference_by_joint_and_action(index, models):
    errors = np.zeros((N, 16, 3))
    errors[:, JOINTS.index("Head"), 0] = 32
    errors[models["mine"].action == "Walking"] = 0
    table = difference_table(off_by(models["mine"], 0), off_by(models["mine"], errors))
    assert table.loc["Gaming", "b less a"] == pytest.approx(2)
    assert table.loc["Walking", "b less a"] == pytest.approx(0)
    assert table.loc["Head", "b less a"] == pytest.approx(16)
    assert table.loc["Lower body", "b less a"] == pytest.approx(0)


def test_runs_that_cannot_be_compared(index, models, tmp_path, capsys):
    finished_run(tmp_path / "a", {"mine": models["mine"]})
    finished_run(tmp_path / "b", {"other": models["mine"]})
    other = models["mine"].select(np.arange(N))
    finished_run(tmp_path / "c", {"mine": off_by(other, 0)})
    np_file = tmp_path / "c" / "predictions" / "mine.npz"
    dataclasses.replace(other, true_rel_m=other.true_rel_m * 2).save(np_file)
    for run, message in (("b", "no model in common"), ("c", "other test frames"), ("d", "missing")):
        assert cli.main(["compare", str(tmp_path / "a"), str(tmp_path / run)]) == 2
        assert message in capsys.readouterr().err
