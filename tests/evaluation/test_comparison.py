"""Methods, seeds and claims on errors that one can compute by hand."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_tables import toy_predictions

from egolib.config import PROFILES, Method
from egolib.data.visibility import HIDDEN_BY_WEARER, OUTSIDE, SEEN
from egolib.evaluation import claims, comparison
from egolib.evaluation import literature as published
from egolib.evaluation.ablations import ablated, ablations_text
from egolib.evaluation.comparison import SeededPredictions
from egolib.evaluation.tables import as_latex, as_markdown, error_by_action
from egolib.experiments.grid import Ablation, Grid
from egolib.foundation.errors import EgolibError
from egolib.metrics import area, bootstrap_interval, bootstrap_means
from egolib.plots.methods import ablation_figure, method_bars
from egolib.skeleton import LOWER_BODY, joint_indices

LABEL = "a toy"
ACTIONS = ["Gaming"] * 20 + ["Walking"] * 20
CLIPS = [f"clip{i // 5}" for i in range(40)]


def seeded(*offsets_mm):
    """Runs whose frames are off by so much, and a little more from frame to frame."""
    spread = np.linspace(0, 2, 40)
    runs = [toy_predictions(offset + spread, ACTIONS, CLIPS) for offset in offsets_mm]
    return SeededPredictions(dict(enumerate(runs)))


@pytest.fixture
def methods():
    return {"martinez": seeded(80, 90), "single": seeded(49, 51), "dual": seeded(30, 34)}


@pytest.fixture
def states():
    found = np.full((40, 16), SEEN, object)
    found[:, 4] = HIDDEN_BY_WEARER
    found[:, 1] = OUTSIDE
    return found


def test_the_area_under_pck_is_exact():
    errors = np.array([[0.0, 75.0, 150.0, 400.0]])
    thresholds = np.linspace(0, 150, 100_001)
    curve = (errors[0][:, None] <= thresholds).mean(0)
    assert area(errors).mean() == pytest.approx(100 * curve.mean(), abs=0.01)


def test_seeds_widen_the_interval_and_do_not_move_the_mean():
    clusters = np.repeat(np.arange(10), 4)
    values = np.random.default_rng(0).normal(50, 5, 40)
    alone = bootstrap_interval(values, clusters)
    same = bootstrap_interval([values, values], clusters)
    apart = bootstrap_interval([values - 10, values + 10], clusters)
    assert same[0] == pytest.approx(alone[0])
    assert apart[0] == pytest.approx(alone[0])
    assert same[2] - same[1] == pytest.approx(alone[2] - alone[1], rel=0.15)
    assert apart[2] - apart[1] > 2 * (alone[2] - alone[1])
    assert np.isnan(bootstrap_means(values, np.zeros(40))).all()


def test_the_draws_spread_as_the_mean_of_so_few_seeds_does():
    """Clusters alike, seeds apart: the deviation of the draws is the mean's, s / sqrt(S)."""
    clusters = np.repeat(np.arange(10), 4)
    for offsets in ([-10, 10], [-9, 1, 8], [3, 4, 8, -5]):
        draws = bootstrap_means(np.outer(offsets, np.ones(40)), clusters, rounds=20_000)
        wanted = np.std(offsets, ddof=1) / np.sqrt(len(offsets))
        assert draws.std() == pytest.approx(wanted, rel=0.03)


def test_tables_of_results_take_seeded_methods(methods):
    table = error_by_action(methods, LABEL)
    means = table[f"measured on {LABEL}", Method.DUAL.label, "mean"]
    assert means["Gaming"] == pytest.approx(32 + np.linspace(0, 2, 40)[:20].mean())
    assert means["All"] == pytest.approx(33)
    assert (published.COLUMN_GROUP, "Martinez 2017", "mean") in table.columns


def test_the_summary_holds_errors_costs_and_the_published_total(methods):
    cost = pd.DataFrame({"GFLOPs": [1.0, 2.0, 3.0]}, index=list(methods))
    table = comparison.summary(methods, cost, LABEL)
    row = table.loc["single"]
    assert row[f"measured on {LABEL}", "MPJPE (mm)", "mean"] == pytest.approx(51)
    assert row[f"measured on {LABEL}", "PA-MPJPE (mm)", "mean"] == pytest.approx(0, abs=1e-4)
    assert row[f"measured on {LABEL}", "AUC, 0 to 150 mm (%)", "mean"] == pytest.approx(
        66, abs=0.01
    )
    assert row["what it costs", "GFLOPs", "mean"] == 2.0
    assert row[published.COLUMN_GROUP, "MPJPE (mm)", "mean"] == 130.4
    text = as_markdown("Methods", table)
    assert "51.0 [" in text
    assert "Sources" in text
    assert "single branch give" not in text  # nor a footnote of a method that is not there
    with_dual = comparison.summary(methods, cost, LABEL)
    assert "- dual: The printed rows of xR-EgoPose dual branch" in as_markdown("Methods", with_dual)


def test_latex_compiles_whatever_a_method_is_called(methods):
    """Nothing that LaTeX would take for a command or a comment; the title alone is one."""
    named = {"end_to_end": methods["dual"], "a&b": methods["single"]}
    cost = pd.DataFrame({"share (%)": [1.0, 2.0]}, index=list(named))
    title, *lines = as_latex("Methods", comparison.summary(named, cost, LABEL)).splitlines()
    assert title == "% Methods"
    assert r"end\_to\_end & " in "\n".join(lines)
    assert r"PCK at 150 mm (\%)" in "\n".join(lines)
    for line in lines:
        assert not re.search(r"(?<!\\)[%_#$]", line.replace(r"$\pm$", "")), line
    (row,) = (line for line in lines if line.startswith(r"a\&b"))
    (heads,) = (line for line in lines if "share (" in line)
    cells = re.compile(r"(?<!\\)&")
    assert len(cells.findall(row)) == len(cells.findall(heads))


def test_a_method_that_nobody_published_stands_alone(methods):
    alone = {"mine": methods["dual"]}
    table = comparison.summary(alone, pd.DataFrame({"GFLOPs": 1.0}, index=["mine"]), LABEL)
    text = as_markdown("Methods", table)
    assert published.COLUMN_GROUP not in text
    assert "33.0 [" in text


def test_seen_and_hidden_joints_are_counted_apart(methods, states):
    worse = methods["dual"].runs[0]
    moved = worse.predicted_rel_m.copy()
    moved[:, 4, 1] += 1.0
    methods["dual"] = SeededPredictions({0: replace(worse, predicted_rel_m=moved)})
    table = comparison.error_by_visibility(methods, states, LABEL)
    means = table[f"measured on {LABEL}", "dual", "mean"]
    assert list(means.index) == [
        "seen (560 joints)",
        "hidden (40 joints)",
        "outside the image (40 joints)",
    ]
    assert means.iloc[0] == pytest.approx(31)
    assert means.iloc[1] > 1000


def test_every_measure_has_its_tables(methods, states):
    """All errors of the toy are below the limit: AUC is what is left to it, PCK is whole."""
    cost = pd.DataFrame({"GFLOPs": 2.0}, index=list(methods))
    tables = comparison.build_tables(methods, cost, states, LABEL)
    for group in ("action", "joint", "body_group", "visibility"):
        of = [tables[f"methods_by_{group}{suffix}"][f"measured on {LABEL}", "dual", "mean"]
              for suffix in ("", *comparison.MORE_MEASURES)]  # fmt: skip
        mpjpe, aligned, pck, area = (values.dropna() for values in of)
        assert list(mpjpe.index) == list(aligned.index) == list(pck.index) == list(area.index)
        assert np.allclose(area, 100 * (1 - mpjpe / 150))
        assert (pck == 100).all()
        assert (aligned < mpjpe).all()
    both = tables["methods_by_body_group_auc"][f"measured on {LABEL}", "dual", "mean"]
    whole = tables["methods"][f"measured on {LABEL}", "AUC, 0 to 150 mm (%)", "mean"]["dual"]
    assert both["Full body"] == pytest.approx(whole)
    published = [c for c in tables["methods_by_action_pck"] if c[0] != f"measured on {LABEL}"]
    assert published == []  # theirs are errors


def test_claims_are_checked_frame_by_frame(methods, states):
    assert claims.CLAIMS.aim.dropna().to_dict() == {
        "The ray model beats the end-to-end dual branch": 0.65
    }
    checked = claims.check_claims(methods, states)
    claim = checked.loc["The dual branch beats the single branch"]
    assert (claim.verdict, claim.confidence) == ("holds", 100)
    assert claim.difference_mm == pytest.approx(18)
    # Paired: the frames' own spread does not widen the difference, the seeds' does.
    assert claim.low == pytest.approx(17, abs=0.01)
    assert claim.high == pytest.approx(19, abs=0.01)
    assert checked.loc["The heatmap branch helps hidden joints"].verdict == "holds"
    swapped = {"single": methods["dual"], "dual": methods["single"]}
    turned = claims.check_claims(swapped)
    assert turned.loc["The dual branch beats the single branch"].verdict == "does not hold"
    assert "The heatmap branch helps hidden joints" not in turned.index
    equal = claims.check_claims({"single": seeded(30, 50), "dual": seeded(50, 30)})
    assert equal.loc["The dual branch beats the single branch"].verdict == "open"
    text = claims.claims_text(checked)
    assert "The dual branch beats the single branch: holds. The difference is 18.0 mm" in text
    assert (claim.ratio, claim.seeds) == (pytest.approx(33 / 51), 2)
    bounds = pytest.approx(31 / 50, abs=0.01), pytest.approx(35 / 52, abs=0.01)
    assert (claim.ratio_low, claim.ratio_high) == bounds  # seed by seed
    assert "Of 2 seeds." in text


def test_a_claim_about_some_joints_looks_at_these_alone(states):
    """The second is better at the hidden joint alone; both are 10 mm worse at the lower body."""
    offsets_mm = np.full(16, 50.0)
    offsets_mm[joint_indices(LOWER_BODY)] += 10
    better_mm = offsets_mm.copy()
    better_mm[4] -= 30  # the hidden one
    toy = toy_predictions(np.zeros(40), ACTIONS, CLIPS)

    def off_by(joints_mm):
        shift = 0.001 * joints_mm[:, None] * (1, 0, 0)
        return SeededPredictions({0: replace(toy, predicted_rel_m=toy.true_rel_m + shift)})

    checked = claims.check_claims({"single": off_by(offsets_mm), "dual": off_by(better_mm)}, states)
    hidden = checked.loc["The heatmap branch helps hidden joints"]
    assert (hidden.verdict, hidden.difference_mm) == ("holds", pytest.approx(30))
    seen = checked.loc["The heatmap branch helps seen joints"]
    assert (seen.verdict, seen.difference_mm) == ("open", pytest.approx(0))
    lower = checked.loc[f"{claims.LOWER_WORSE} (single)"]
    assert (lower.verdict, lower.difference_mm) == ("holds", pytest.approx(10))


def test_a_claim_says_when_a_single_seed_speaks():
    """A method of three seeds beside one of a single seed: what they share is one. Of methods that
    share none, the means over seeds are compared."""
    one, other = seeded(50), seeded(30, 31, 32)
    text = claims.claims_text(claims.check_claims({"single": one, "dual": other}))
    assert "difference is 20.0 mm" in text
    assert text.splitlines()[0].endswith("Of one seed: another may turn it.")
    elsewhere = SeededPredictions({7: one.runs[0]})
    text = claims.claims_text(claims.check_claims({"single": elsewhere, "dual": other}))
    assert "difference is 19.0 mm" in text
    assert text.splitlines()[0].endswith("Of means over seeds, none of them in common.")


def test_an_aim_is_reached_or_missed():
    for ray_model_mm, verdict in ((79, "missed"), (50, "reached")):
        methods = {"end_to_end": seeded(119), "ray_model": seeded(ray_model_mm)}
        line, *_ = claims.claims_text(claims.check_claims(methods)).splitlines()
        assert f"times the other (the aim of 0.65 is {verdict})." in line
    costs = pd.DataFrame({"GFLOPs": [1.4, 1.6], "ms an image": [16.0, 12.0]}, list(methods))
    (told,) = claims.ray_model_costs(costs)
    assert told.endswith("1.6 against 1.4 GFLOPs, 12.0 against 16.0 ms an image.")
    assert claims.ray_model_costs(costs.drop("ray_model")) == []


def test_the_ray_model_is_told_when_the_other_ends():
    """The dual branch: a minute before its two epochs of half a minute each. The ray model: of 50 s."""
    dual = pd.DataFrame({"seconds": [30.0, 30.0], "val_mpjpe_mm": [120.0, 110.0]})
    ray_model = pd.DataFrame({"seconds": [50.0] * 4, "val_mpjpe_mm": [130.0, 100.0, 90.0, 80.0]})
    curves = {
        "end_to_end": [(60.0, dual)],
        "ray_model": [(0.0, ray_model), (0.0, ray_model - [0, 10])],
    }
    (told,) = claims.at_equal_minutes(curves)
    assert "has 110.0 mm when its 2.0 minutes are over, the ray model by then 95.0 mm" in told
    assert claims.at_equal_minutes({"ray_model": curves["ray_model"]}) == []
    curves["ray_model"] = [(0.0, ray_model + [100, 0])]  # no epoch ends before
    assert claims.at_equal_minutes(curves) == []


def test_an_ablation_tells_what_a_value_changes(methods):
    """On the same frames: 18 mm, whatever the frames' own spread; the usual value is the base's."""
    grid = Grid(
        "toy", PROFILES["study"], {}, (), {"a": Ablation("lifter.latent_size", {}, ("b=1",))}
    )
    found = {10: methods["single"], 20: methods["dual"]}
    rows = ablated(grid, {"a": found})
    assert rows["usual"].tolist() == [20, 20]
    assert rows["more (mm)"].tolist() == pytest.approx([18, 0])
    told = ablations_text(rows)
    assert told == (
        "lifter.latent_size = 10 instead of 20 (b=1): 18 mm worse [17, 19]. Of 2 seeds."
    )
    assert ablated(grid, {"a": {10: methods["single"], 50: methods["dual"]}})["usual"].iloc[0] == 10


def test_a_claim_on_a_single_sequence_has_no_interval():
    one, other = (
        SeededPredictions({0: toy_predictions(np.full(4, mm), ACTIONS[:4], ["clip"] * 4)})
        for mm in (50, 30)
    )
    checked = claims.check_claims({"single": one, "dual": other})
    assert checked.loc["The dual branch beats the single branch"].verdict == "open"
    line, *_ = claims.claims_text(checked).splitlines()
    assert "The difference is 20.0 mm; the error claimed" in line


def test_runs_on_other_frames_are_refused():
    other = toy_predictions(np.zeros(39), ACTIONS[:39], CLIPS[:39])
    with pytest.raises(EgolibError, match="different test frames"):
        SeededPredictions({0: seeded(1).runs[0], 1: other})


def test_rotations_have_a_table_of_their_own(methods):
    run = methods["dual"].runs[0]
    degrees = np.tile(np.arange(16.0), (40, 1))
    turned = SeededPredictions({0: replace(run, rotation_errors_deg=degrees)})
    table = comparison.rotation_errors({**methods, "rotation": turned}, LABEL)
    assert list(dict.fromkeys(table.columns.get_level_values(1))) == ["rotation"]
    means = table[f"measured on {LABEL}", "rotation", "mean"]
    assert means["Head"] == pytest.approx(1)
    assert means["All"] == pytest.approx(7.5)
    assert "Procrustes" not in as_markdown("Rotations", table)
    assert comparison.rotation_errors(methods, LABEL).empty


def test_the_published_row_that_does_not_give_its_total_is_found():
    table = published.totals_of_rows()
    dual = table.loc["xR-EgoPose dual branch"]
    assert dual["actions, weighted"] == pytest.approx(53.9, abs=0.05)
    assert dual["halves off by"] == pytest.approx(0, abs=0.05)
    assert table["actions off by"].drop(dual.name).abs().max() < 0.4
    assert sum(published.TEST_FRAMES.values()) == 115_621
    text = claims.finding_about_the_published_row()
    assert "xR-EgoPose dual branch give 53.9 mm, its printed total is 58.2 mm" in text


def test_figures_show_every_method_and_value(methods, states):
    figure = method_bars(methods, states)
    assert len(figure.axes) == 2
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["martinez", "single", "dual"]
    assert len(method_bars(methods).axes) == 1
    points = {10: methods["single"], 20: methods["dual"]}
    ablation = Ablation("lifter.latent_size", {}, ())
    rows = ablated(Grid("toy", PROFILES["study"], {}, (), {"a": ablation}), {"a": points})
    (axes,) = ablation_figure(points, rows).axes
    below = [label.get_text().splitlines() for label in axes.get_xticklabels()]
    assert below[0][:2] == ["10", "+18.0 mm"]
    assert re.fullmatch(r"\[\+17\.\d, \+1[89]\.\d\]", below[0][2])
    assert below[1] == ["20", "usual"]
    assert axes.get_xlabel() == "lifter.latent_size"
