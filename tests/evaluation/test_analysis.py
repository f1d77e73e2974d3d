"""Planted errors are found, and named for what they are."""

import dataclasses
import json

import numpy as np
import pytest
from toy_run import CLIPS, LENGTH, PEOPLE, N, all_seen, off_by, perfect, toy_index

from egolib import plots
from egolib.data.visibility import HIDDEN_BY_WEARER, IN_IMAGE, OUTSIDE, STATES
from egolib.evaluation.analysis import bodies, causes, confidence, wearers, worst
from egolib.evaluation.analysis.answers import compared
from egolib.evaluation.analysis.components import decompose
from egolib.evaluation.tables import error_by_joint
from egolib.foundation.errors import EgolibError
from egolib.metrics import bootstrap_group_means, bootstrap_interval, interval
from egolib.plots.checks import flaws
from egolib.skeleton import HEATMAP_JOINTS, JOINTS, LOWER_BODY


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return toy_index(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def truth(index):
    return perfect(index)


def rays(index):
    return index.joints_cam_m / np.linalg.norm(index.joints_cam_m, axis=-1, keepdims=True)


def anatomy_of(index, predictions, states=None):
    return decompose(index, predictions, all_seen() if states is None else states)


def test_means_of_groups_are_those_of_each_group_alone():
    rng = np.random.default_rng(1)
    values, groups = rng.normal(10, 2, 300), rng.integers(3, size=300)
    clusters = rng.integers(25, size=300)
    values[5] = np.nan
    means, draws = bootstrap_group_means(values, groups, clusters, 4, rounds=4000)
    low, high = interval(draws)
    for group in range(3):
        keep = (groups == group) & np.isfinite(values)
        alone = bootstrap_interval(values[keep], clusters[keep], rounds=4000)
        assert means[group] == pytest.approx(alone[0])
        assert (low[group], high[group]) == pytest.approx(alone[1:], abs=0.06)
    assert np.isnan([means[3], low[3], high[3]]).all()


def test_no_interval_from_one_cluster():
    means, draws = bootstrap_group_means([1.0, 3.0], [0, 0], [0, 0], 1)
    assert means[0] == 2
    assert np.isnan(interval(draws)).all()


def test_differences_in_words():
    assert compared(-12, -15, -9.2, "worse", "better") == "12 mm better [9, 15]"
    assert (
        compared(3.5, -1.2, 8, "worse", "better") == "3.5 mm worse [-1.2, 8.0] (95 % CI includes 0)"
    )


@pytest.mark.parametrize(("sign", "word"), [(1, "too far"), (-1, "too near")])
def test_depth_errors_lie_along_the_ray(index, truth, sign, word):
    components = anatomy_of(index, off_by(truth, 40 * sign * rays(index)))
    answer = causes.by_direction(components)
    assert components.along_mm == pytest.approx(40 * sign, abs=0.01)
    assert answer.table.loc["All", ("share_along", "mean")] == pytest.approx(100)
    assert f"40 mm {word}" in answer.sentence


def test_image_errors_lie_across_it(index, truth):
    across = np.cross(rays(index), (0, 0, 1))
    across *= 30 / np.linalg.norm(across, axis=-1, keepdims=True)
    components = anatomy_of(index, off_by(truth, across))
    assert components.across_mm == pytest.approx(30, abs=0.01)
    table = causes.by_direction(components).table
    assert table.loc["All", ("share_along", "mean")] == pytest.approx(0, abs=1e-4)
    assert table.loc["All", ("across", "mean")] == pytest.approx(30 / np.sqrt(2), abs=0.01)


def test_a_lower_body_that_is_worse(index, truth):
    lower = np.isin(JOINTS, LOWER_BODY)
    offsets_mm = np.where(lower, 30, 10)[:, None] * [0, 0, 1]
    answer = causes.by_half(anatomy_of(index, off_by(truth, offsets_mm)))
    assert "the lower is 20 mm worse" in answer.sentence
    assert answer.table["mean"].tolist() == pytest.approx([10, 30], abs=1e-3)


def test_other_frames_are_refused(index, truth):
    with pytest.raises(EgolibError, match="not the frames that were predicted"):
        decompose(index, truth.select(np.arange(N)[::-1]), all_seen())
    with pytest.raises(EgolibError, match="no poses"):
        anatomy_of(index, off_by(truth, np.nan))


def test_error_that_grows_with_distance(index, truth):
    distance_m = np.linalg.norm(index.joints_cam_m, axis=-1, keepdims=True)
    components = anatomy_of(index, off_by(truth, 100 * distance_m * rays(index)))
    answer = causes.by_factor(components, "distance_m")
    whole = answer.table.loc["all"]
    assert whole["mean"].to_numpy() == pytest.approx(100 * whole["at"], rel=1e-3)
    assert whole.joints.sum() == N * len(JOINTS)
    assert (whole.low <= whole["mean"]).all()


def test_a_factor_that_is_not_known(index, truth):
    without = dataclasses.replace(truth, entropy_bits=np.empty((0, 15)))
    answer = causes.by_factor(anatomy_of(index, without), "entropy_bits")
    assert answer.table is None
    assert answer.sentence.startswith("Not available")


def test_hidden_joints_are_compared_joint_by_joint(index, truth):
    """Hands are worse than shoulders, but being hidden adds 10 mm to either."""
    hidden = np.zeros((N, 16), bool)
    hand, arm = JOINTS.index("LeftHand"), JOINTS.index("LeftArm")
    hidden[: 3 * N // 4, arm] = hidden[: N // 4, hand] = True
    size = np.full((N, 16), 20.0)
    size[:, hand] = 200
    states = all_seen()
    states[hidden] = STATES.index(HIDDEN_BY_WEARER)
    components = anatomy_of(
        index, off_by(truth, (size + 10 * hidden)[..., None] * (1, 0, 0)), states
    )
    assert "hidden by the wearer (6.2 %): 10 mm more" in causes.by_visibility(components).sentence
    # A joint that is hidden in one sequence alone has no interval: it moves neither mean nor bounds.
    head = JOINTS.index("Head")
    hidden[:LENGTH, head] = True
    states[hidden] = STATES.index(HIDDEN_BY_WEARER)
    size[:LENGTH, head] = 500
    components = anatomy_of(
        index, off_by(truth, (size + 10 * hidden)[..., None] * (1, 0, 0)), states
    )
    assert "): 10 mm more [10, 10]" in causes.by_visibility(components).sentence


def test_what_hides_a_joint_is_not_told_by_the_official_data(index, truth):
    states = np.full((N, 16), STATES.index(IN_IMAGE), np.int8)
    states[:, 4] = STATES.index(OUTSIDE)
    sentence = causes.by_visibility(anatomy_of(index, truth, states)).sentence
    assert sentence.startswith("What hides a joint is not available")


def test_calibration(index, truth):
    """Half of the joints are found with a confidence of 0.9, the other half is not, with 0.3."""
    found = np.zeros((N, 15), bool)
    found[::2] = True
    moved_px = np.where(found[..., None], 0.0, 20.0)
    planted = dataclasses.replace(
        truth, predicted_uv_crop=truth.true_uv_crop + moved_px, confidence=np.where(found, 0.9, 0.3)
    )
    table = confidence.calibration(anatomy_of(index, planted)).table
    inside = truth.inside[::2].mean() * 100
    assert table["mean"].to_numpy() == pytest.approx([0, inside], abs=0.01)
    assert table.confidence.to_numpy() == pytest.approx([30, 90], abs=0.01)


def test_an_error_that_is_expected(index, truth):
    """Errors are twice what is expected, everywhere."""
    expected = np.random.default_rng(0).uniform(10, 60, (N, 16))
    planted = off_by(truth, 2 * expected[..., None] * (1, 0, 0))
    assert "Not available" in confidence.expected_errors(planted).sentence
    knowing = dataclasses.replace(planted, expected_error_mm=expected)
    answer = confidence.expected_errors(knowing)
    assert answer.sentence.startswith("The errors are 2.00 times as large")
    assert answer.table["mean"].to_numpy() == pytest.approx(2 * answer.table.expected, rel=1e-4)


def test_lifting_and_detection_add_up(index, truth):
    oracle = anatomy_of(index, off_by(truth, (30, 0, 0)))
    detected = anatomy_of(index, off_by(truth, (0, 120, 0)))
    answer = causes.lifting_and_detection(oracle, detected)
    assert "lifting is 25 %" in answer.sentence
    assert answer.table.loc["All", ("detection", "mean")] == pytest.approx(90, abs=0.01)


def test_bones_that_are_too_long(index, truth):
    longer = dataclasses.replace(truth, predicted_rel_m=truth.true_rel_m * 1.1)
    answer = bodies.bones(longer, anatomy_of(index, longer))
    true = bodies.bone_lengths_mm(truth.true_rel_m).mean(0)
    assert answer.table["mean"].to_numpy() == pytest.approx(0.1 * true, rel=1e-4)
    assert "too long" in answer.sentence


def test_jitter_is_zero_for_a_pose_that_is_always_off_by_the_same(index, truth):
    clusters = np.zeros(N, int)
    shaking = 10 * (-1.0) ** np.arange(N)[:, None, None] * np.array([1, 0, 0])
    models = {"steady": off_by(truth, (50, 0, 0)), "shaking": off_by(truth, shaking)}
    table = bodies.jitter(index, models, clusters, "steady").table
    assert table.loc["steady", "mean"] == pytest.approx(0, abs=1e-6)
    assert table.loc["shaking", "mean"] == pytest.approx(20, abs=1e-6)
    assert len(bodies.consecutive(index)) == len(PEOPLE) * len(CLIPS) * (LENGTH - 1)


def test_who_is_worse_off(index, truth):
    women = np.char.startswith(index.characters, "female")
    noise = np.random.default_rng(0).normal(0, 1, (N, 1, 1))
    components = anatomy_of(
        index, off_by(truth, (50 + 30 * women[:, None, None] + noise) * (1, 0, 0))
    )
    answer = wearers.by_person(components, wearers.traits(index))
    assert answer.table.loc[("gender", "female"), "worse"] == pytest.approx(30, abs=1)
    assert "Systematically worse off: female" in answer.sentence
    assert "Not available on this data: skin tone, sleeves and legs" in answer.sentence


def test_traits_of_the_miniature_s_people(tmp_path):
    index = toy_index(tmp_path)
    for i, name in enumerate(PEOPLE):
        about = {"skin_linear_rgb": [0.2 * i] * 3}
        (tmp_path / "TestSet" / name / "character.json").write_text(json.dumps(about))
        outfit = {"top": {"sleeves": "long"}, "bottom": {"kind": "skirt"}}
        meta = {"first_number": 0, "last_number": 7, "outfit": outfit}
        folder = tmp_path / "TestSet" / name / "env_001" / "cam_down" / "meta"
        folder.mkdir()
        (folder / "a.json").write_text(json.dumps(meta))
    told = wearers.traits(index)
    assert set(told["skin tone"][: N // 2]) == {"darker half"}
    assert set(told["skin tone"][N // 2 :]) == {"lighter half"}
    assert (told["legs"] == "skirt").sum() == N // 2
    assert (told["sleeves"] == wearers.UNKNOWN).sum() == N // 2


def test_every_joint_has_the_cause_that_was_planted(index, truth):
    left, right = (HEATMAP_JOINTS.index(f"{side}Hand") for side in ("Left", "Right"))
    px = truth.true_uv_crop.copy()
    px[0, left] = truth.true_uv_crop[0, right]
    px[1, left] = px[2, left] = truth.true_uv_crop[1, left] + (0, 30)
    states, hand = all_seen(), JOINTS.index("LeftHand")
    states[2, hand] = STATES.index(HIDDEN_BY_WEARER)
    states[3, hand] = STATES.index(OUTSIDE)
    errors = np.zeros((N, 16, 3))
    errors[:, hand] = 50 * rays(index)[:, hand]
    errors[5, hand] = 50 * np.cross(rays(index)[5, hand], (0, 0, 1))
    planted = dataclasses.replace(off_by(truth, errors), predicted_uv_crop=px)
    components = anatomy_of(index, planted, states)
    found = worst.joint_causes(components, planted)[:6, hand]
    assert [worst.CAUSES[i] for i in found] == [
        "left and right swapped in 2D", "in the image, not found in 2D",
        "hidden, not found in 2D", "outside the image", "right in 2D, wrong in depth",
        "right in 2D, else wrong",
    ]  # fmt: skip


def test_millimetres_by_cause_sum_to_the_error(index, truth):
    planted = off_by(truth, np.random.default_rng(0).normal(0, 40, (N, 16, 3)))
    components = anatomy_of(index, planted)
    assigned = worst.joint_causes(components, planted)
    parts = worst.millimetres_by_cause(components, assigned)
    assert parts.sum(1) == pytest.approx(planted.errors_mm.mean(1), rel=1e-4)
    rows = worst.made_of(components, assigned).table.loc["all frames"]
    assert rows["mean"].sum() == pytest.approx(planted.errors_mm.mean(), rel=1e-4)
    assert rows.joints.sum() == pytest.approx(100)


def test_the_worst_frames_are_of_different_sequences(index, truth):
    errors = np.zeros((N, 16, 3))
    errors[[3, 4, 40], :, 0] = np.array([300, 290, 200])[:, None]
    planted = off_by(truth, errors)
    components = anatomy_of(index, planted)
    answer = worst.worst_frames(
        components, planted, worst.joint_causes(components, planted), truth.true_rel_m, count=2
    )
    assert answer.table.place.tolist() == [3, 40]
    assert answer.table.mpjpe_mm.tolist() == pytest.approx([300, 200], abs=0.01)
    assert answer.table.nearest_training_pose_mm.max() == pytest.approx(0, abs=0.01)


@pytest.fixture(scope="module")
def noisy(index, truth):
    """Predictions that are wrong in every way, with what their joints are seen as."""
    rng = np.random.default_rng(0)
    predictions = dataclasses.replace(
        off_by(truth, rng.normal(0, 40, (N, 16, 3))),
        predicted_uv_crop=truth.true_uv_crop + rng.normal(0, 2.5, truth.true_uv_crop.shape),
        confidence=rng.uniform(0.2, 1, (N, 15)), entropy_bits=rng.uniform(1, 5, (N, 15)),
        expected_error_mm=rng.uniform(20, 80, (N, 16)),
    )  # fmt: skip
    return predictions, rng.choice(len(STATES), (N, 16)).astype(np.int8)


def test_figures_are_laid_out(index, truth, noisy):
    predictions, states = noisy
    components = decompose(index, predictions, states)
    unknown = dataclasses.replace(predictions, entropy_bits=np.empty((0, 15)))
    nothing = causes.by_factor(decompose(index, unknown, states), "entropy_bits")
    assigned = worst.joint_causes(components, predictions)
    oracle = decompose(index, off_by(truth, 20), states)
    models = {"oracle": predictions, "ray_model": truth}
    for figure in (
        plots.direction_bars(causes.by_direction(components)),
        plots.factor_curve(causes.by_factor(components, "distance_m"), "distance_m"),
        plots.visibility_errors(causes.by_visibility(components)),
        plots.reliability_diagram(confidence.calibration(components)),
        plots.expected_error_curve(confidence.expected_errors(predictions)),
        plots.lifting_bars(causes.lifting_and_detection(oracle, components)),
        plots.bone_bars(bodies.bones(predictions, components)),
        plots.jitter_bars(bodies.jitter(index, models, components.cluster, "ray_model")),
        plots.people_dots(wearers.by_person(components, wearers.traits(index))),
        plots.cause_bars(worst.made_of(components, assigned)),
    ):
        assert not flaws(figure)
    figure = plots.factor_curve(nothing, "entropy_bits")
    assert [text.get_text() for text in figure.texts] == [nothing.sentence]


def test_the_means_of_joints_are_those_of_the_table_and_the_figures(index, noisy):
    """The answer, the table of results and the bars of the figure give one number for a joint."""
    predictions, states = noisy
    answer = causes.by_joint(decompose(index, predictions, states)).table["mean"]
    table = error_by_joint({"end_to_end": predictions}, "test")["measured on test"].xs(
        "mean", axis=1, level=1
    )
    drawn = plots.joint_error_bars({"end_to_end": predictions}).axes[0].patches
    assert answer.to_numpy() == pytest.approx(table.iloc[:, 0][list(JOINTS)], rel=1e-6)
    assert [bar.get_height() for bar in drawn] == pytest.approx(answer, rel=1e-6)


def test_people_of_other_names_have_no_traits(index):
    """A tree of one's own may call them anything."""
    folders = np.array([folder.replace(PEOPLE[0], "bob the 2nd") for folder in index.folders])
    told = wearers.traits(dataclasses.replace(index, folders=folders))
    unknown = np.char.find(folders, "bob")[index.folder_ids] >= 0
    for trait in ("gender", "body type", "height"):
        assert (told[trait][unknown] == wearers.UNKNOWN).all()
        assert (told[trait][~unknown] != wearers.UNKNOWN).all()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"skin_linear_rgb": "red"}', '{"skin_linear_rgb": [1]}']
)
def test_a_damaged_description_of_a_person_is_named(tmp_path, content):
    index = toy_index(tmp_path)
    path = tmp_path / "TestSet" / PEOPLE[0] / "character.json"
    path.write_text(content)
    with pytest.raises(EgolibError, match=str(path)):
        wearers.traits(index)


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"outfit": 1, "first_number": 0, "last_number": 1}']
)
def test_a_damaged_description_of_a_sequence_is_named(tmp_path, content):
    index = toy_index(tmp_path)
    folder = tmp_path / index.folders[0] / "meta"
    folder.mkdir()
    (folder / "a.json").write_text(content)
    with pytest.raises(EgolibError, match=r"a\.json"):
        wearers.traits(index)
