"""Figures save as png and pdf, and show what they were given, with units on their axes."""

import re
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from egolib import plots
from egolib.camera import project
from egolib.config import METHOD_LABELS, Method
from egolib.data.index import FrameIndex
from egolib.evaluation.predictions import Predictions
from egolib.evaluation.tables import error_by_joint
from egolib.models.checkpoints import NetworkSpec, build_network
from egolib.plots import style
from egolib.plots.checks import flaws
from egolib.skeleton import HEATMAP_JOINT_INDICES, HEATMAP_JOINTS, JOINTS

N = 12
ACTIONS_HERE = ("Gaming", "Walking", "Unknown")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """(root, Predictions, FrameIndex) of N frames in three sequences, with images on disk."""
    root, rng = tmp_path_factory.mktemp("tree"), np.random.default_rng(0)
    folder = "TestSet/female_004_a_a/env_001/cam_down"
    (root / folder / "rgba").mkdir(parents=True)
    names = [f"{i}.png" for i in range(N)]
    for name in names:
        cv2.imwrite(str(root / folder / "rgba" / name), np.full((50, 80, 3), 90, np.uint8))
    joints_m = rng.normal(0, 0.2, (N, len(JOINTS), 3)) + (0, 0.1, 0.8)
    truth = joints_m - joints_m[:, :1]
    clips = np.array(["Boxing", "walking", "else"])
    clip_ids = np.arange(N) % 3
    true_uv_crop = rng.uniform(10, 50, (N, len(HEATMAP_JOINTS), 2))
    predictions = Predictions(
        predicted_rel_m=truth + rng.normal(0, 0.05, truth.shape), true_rel_m=truth,
        predicted_uv_crop=true_uv_crop + 1, true_uv_crop=true_uv_crop, confidence=np.ones(true_uv_crop.shape[:2]),
        in_front=np.ones(true_uv_crop.shape[:2], bool), image_px=64,
        character=np.array(["female_004_a_a"] * N), environment=np.array(["env_001"] * N),
        clip=clips[clip_ids], action=np.array(ACTIONS_HERE)[clip_ids], number=np.arange(N),
        image=np.array([f"{folder}/rgba/{name}" for name in names]),
    )  # fmt: skip
    index = FrameIndex(
        root=root, split="test", fingerprint="", folders=np.array([folder]),
        folder_ids=np.zeros(N, int), image_names=np.array(names), numbers=np.arange(N),
        clips=clips, clip_ids=clip_ids, uv_native=project(joints_m), joints_cam_m=joints_m,
        rotations_rad=np.zeros((N, 16, 3)), unpaired_images=0, unpaired_labels=0,
    )  # fmt: skip
    return root, predictions, index


def boxes(axes):
    return [patch for patch in axes.patches if type(patch).__name__ == "PathPatch"]


def bars(axes):
    return [patch for patch in axes.patches if type(patch).__name__ == "Rectangle"]


def tick_labels(axes):
    return [label.get_text() for label in axes.get_xticklabels()]


def test_saved_as_png_and_pdf(world, tmp_path):
    figure = plots.joint_error_boxes(world[1])
    paths = plots.save_figure(figure, tmp_path / "figures", "joints")
    assert [path.name for path in paths] == ["joints.pdf", "joints.png"]
    assert paths[0].read_bytes().startswith(b"%PDF")
    assert cv2.imread(str(paths[1])).shape[1] == round(150 * figure.get_figwidth())
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == ["joints.pdf", "joints.png"]
    assert figure._repr_png_().startswith(b"\x89PNG")  # what Jupyter shows


def test_joint_figures(world):
    axes = plots.joint_error_boxes(world[1]).axes[0]
    assert len(boxes(axes)) == len(JOINTS)
    assert tick_labels(axes) == list(JOINTS)
    assert axes.get_ylabel() == "error (mm)"
    axes = plots.joint_error_bars({"dual": world[1], "end_to_end": world[1]}).axes[0]
    assert len(bars(axes)) == 2 * len(JOINTS)
    assert axes.get_ylabel() == "mean error (mm)"
    errors = np.linalg.norm(world[1].predicted_rel_m - world[1].true_rel_m, axis=-1) * 1000
    assert [bar.get_height() for bar in bars(axes)][:16] == pytest.approx(errors.mean(0))
    assert axes.get_ylim()[1] > errors.mean(0).max()


def test_action_figures_end_with_all(world):
    axes = plots.action_error_bars({"end_to_end": world[1]}).axes[0]
    assert tick_labels(axes) == [*ACTIONS_HERE, "All"]
    axes = plots.action_error_boxes(world[1]).axes[0]
    assert tick_labels(axes) == ["Gaming (4)", "Walking (4)", "Unknown (4)", "All (12)"]
    assert len(boxes(axes)) == 4


def test_upper_lower_boxes_show_every_method_within_the_axes(world):
    worse = replace(world[1], predicted_rel_m=world[1].predicted_rel_m * 3)
    axes = plots.upper_lower_boxes({"oracle": world[1], "end_to_end": worse}).axes[0]
    assert len(boxes(axes)) == 6
    highest = max(line.get_ydata().max() for line in axes.lines)
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] > highest


@pytest.mark.parametrize(
    ("count", "lifter"), [(1, "dual"), (4, "dual"), (8, "dual"), (8, "martinez")]
)
@pytest.mark.parametrize(
    "draw", [plots.joint_error_bars, plots.action_error_bars, plots.upper_lower_boxes]
)
def test_a_legend_of_many_models_neither_squeezes_the_axes_nor_is_cut(world, draw, count, lifter):
    of_a_run = (Method.ORACLE, lifter, Method.END_TO_END, Method.RAY_MODEL)
    names = [*of_a_run, *(f"another network with a long name {i}" for i in range(count))]
    figure = draw(dict.fromkeys(names[:count], world[1]))
    assert not flaws(figure)
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == [METHOD_LABELS.get(name, name) for name in names[:count]]
    drawn = [patch.get_facecolor() for patch in figure.legends[0].get_patches()]
    assert len(set(drawn)) == count


def test_a_legend_that_is_too_wide_is_found():
    """As `upper_lower_boxes` was published once: a legend of the axes, wider than the figure."""
    figure, axes = style.styled(style.canvas)((7, 3.6))
    for label in METHOD_LABELS.values():
        axes.plot([0, 1], label=2 * label)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(METHOD_LABELS))
    with pytest.raises((AssertionError, UserWarning)):
        assert not flaws(figure)


def test_bars_are_as_high_as_the_numbers_of_the_table(world):
    models = {
        "dual": world[1],
        "end_to_end": replace(world[1], predicted_rel_m=world[1].true_rel_m * 1.1),
    }
    axes = plots.joint_error_bars(models).axes[0]
    table = error_by_joint(models, "test", names={})["measured on test"].loc[list(JOINTS)]
    heights = [bar.get_height() for bar in bars(axes)]
    assert heights == [*table["dual", "mean"], *table["end_to_end", "mean"]]
    drawn = [
        segment[:, 1].tolist() for lines in axes.collections for segment in lines.get_segments()
    ]
    assert drawn == [*table["dual"][["low", "high"]].to_numpy().tolist(),
                     *table["end_to_end"][["low", "high"]].to_numpy().tolist()]  # fmt: skip


def test_figures_of_frames_and_data_are_laid_out(world, views):
    _, predictions, index = world
    worst = pd.DataFrame(
        {"place": range(N), "mpjpe_mm": 90.0, "worst_joint": "LeftToeBase",
         "cause": "in the image, not found in 2D", "character": "female_004_a_a",
         "clip": "Standing_1H_Magic_Attack_01"}
    )  # fmt: skip
    rows = pd.DataFrame({"epoch": [1, 2], "train_loss": [3, 2], "val_loss": [3, 2],
                         "val_mpjpe_mm": [90.0, 80.0], "seconds": [60, 60]})  # fmt: skip
    for figure in (
        plots.joint_error_boxes(predictions), plots.action_error_boxes(predictions),
        plots.error_skeleton(predictions), plots.prediction_sheet(index, predictions),
        plots.worst_sheet(index, predictions, worst), plots.frame_sheet(index, range(N)),
        plots.joint_location_map(index), plots.joints_around_camera(index),
        plots.joint_sizes(views), plots.visibility_bars(views), plots.what_hides_what(views),
        plots.visibility_by_action(views), plots.training_curves({"lifter": rows}),
        plots.error_by_minutes({"dual branch, end to end": [(60, rows)], "ray_model": [(0, rows)]}),
        plots.architecture(NetworkSpec("ray_model", "resnet18", 128, 1.0)),
    ):  # fmt: skip
        assert not flaws(figure)


def test_skeleton_names_every_joint_with_its_error(world):
    figure = plots.error_skeleton(world[1])
    texts = [text.get_text() for text in figure.axes[0].texts]
    errors = 1000 * np.linalg.norm(world[1].predicted_rel_m - world[1].true_rel_m, axis=-1).mean(0)
    assert sorted(texts) == sorted(f"{n}  {e:.0f} mm" for n, e in zip(JOINTS, errors, strict=True))
    assert figure.axes[1].get_ylabel() == "mean error (mm)"


def test_training_curves_ring_the_best_epoch():
    rows = pd.DataFrame({"epoch": [1, 2, 3], "train_loss": [3, 2, 1], "val_loss": [3, 2, 2]})
    histories = {"heatmaps": rows.assign(val_error_px=[9.0, 4.0, 5.0]),
                 "lifter": rows.assign(val_mpjpe_mm=[90.0, 80.0, 70.0])}  # fmt: skip
    figure = plots.training_curves(histories)
    assert len(figure.axes) == 4
    assert [text.get_text() for axes in figure.axes for text in axes.texts] == ["4.0", "70.0"]
    assert "px" in figure.axes[2].get_ylabel()
    assert "mm" in figure.axes[3].get_ylabel()


def test_prediction_sheet_spans_the_errors(world, tmp_path):
    _, predictions, index = world
    figure = plots.prediction_sheet(index, predictions, rows=4)
    titles = [axes.get_title() for axes in figure.axes if "mm" in axes.get_title()]
    errors = [int(re.match(r"(\d+) mm", title)[1]) for title in titles]
    assert len(errors) == 4
    assert errors[0::2] + errors[1::2] == sorted(errors)  # two blocks, each from top to bottom
    assert figure.axes[0].images
    plots.save_figure(figure, tmp_path, "sheet")
    assert (tmp_path / "sheet.png").stat().st_size > 5000


def test_frame_sheet_and_location_map(world):
    index = world[2]
    figure = plots.frame_sheet(index, range(7), columns=4)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:2] == ["Gaming, female_004_a_a\nBoxing", "Walking, female_004_a_a\nwalking"]
    assert titles[7] == ""
    figure = plots.joint_location_map(index)
    assert len(figure.axes) == len(HEATMAP_JOINTS)
    assert figure.axes[0].get_title().startswith("Neck  ")


def test_location_map_puts_u_across_and_v_down(world):
    index = world[2]
    joints_2d = np.tile([940.0, 100.0], (N, len(JOINTS), 1))  # right, high up
    moved = FrameIndex(**{**vars(index), "uv_native": joints_2d})
    counts = plots.joint_location_map(moved, bins=8).axes[0].images[0].get_array()
    assert np.argwhere(counts > 0).tolist() == [[1, 6]]  # of the circle's 8 x 8


def test_poses_are_drawn_upright_and_only_where_visible():
    axes = style.StudyFigure().subplots()
    pose = np.zeros((len(JOINTS), 3))
    pose[JOINTS.index("LeftFoot")] = (0.1, 0.2, 1.4)
    assert style.flatten_pose(pose, "front")[JOINTS.index("LeftFoot")].tolist() == [0.1, -1.4]
    assert style.flatten_pose(pose, "side")[JOINTS.index("LeftFoot")].tolist() == [0.2, -1.4]
    visible = np.isin(HEATMAP_JOINTS, ("LeftArm", "LeftForeArm"))
    style.draw_pose_2d(axes, np.zeros((len(HEATMAP_JOINTS), 2)), visible)
    assert len(axes.lines) == 3  # two joints and their bone
    assert {line.get_color() for line in axes.lines} == {style.PART_COLOURS["left arm"]}
    assert len(HEATMAP_JOINT_INDICES) == len(HEATMAP_JOINTS)


def test_heatmap_sheet_shows_truth_and_prediction(world):
    spec = NetworkSpec("heatmaps", "resnet18", 64, 1.0)
    torch.manual_seed(0)
    figure = plots.heatmap_sheet(world[2], build_network(spec), spec, columns=3)
    assert [len(axes.images) for axes in figure.axes] == [1, 1, 1, 2, 2, 2, 2, 2, 2]
    true, predicted = (figure.axes[i].images[1].get_array() for i in (3, 6))
    assert true.max() > 0.5
    assert predicted.max() < 0.1  # an untrained network sees nothing
    assert figure.axes[7].get_title().endswith("px off")


def test_contact_sheet_and_strips_show_images_of_the_index(world):
    index = world[2]
    sheet = plots.contact_sheet(index, lines=4, columns=5)
    mosaic = sheet.axes[0].images[0].get_array()
    assert mosaic.shape[0] * 5 == mosaic.shape[1] * 4
    assert (mosaic == 90).mean() == pytest.approx(N / 20)
    figure = plots.clip_strips(index, frames=3)
    titles = [axes.get_title() for axes in figure.axes if axes.images]
    assert sorted(titles) == ["Boxing  (Gaming)", "else  (Unknown)", "walking  (Walking)"]
    assert all(np.ptp(axes.images[0].get_array()) == 0 for axes in figure.axes if axes.images)
    typical = plots.typical_frames(index)
    assert [index[position].action for position in typical] == ["Gaming", "Unknown", "Walking"]


@pytest.fixture(scope="module")
def views():
    """Two frames of visibility.joint_views: all seen, but feet hidden by the torso in one."""
    rows = [
        {"frame": frame, "action": action, "joint": joint, "in_image": joint != "Head",
         "state": "seen", "distance_m": 0.5 + 0.05 * j, "px_per_cm": 7 / (1 + 0.1 * j),
         "hidden_by": "", "covered_with": ""}
        for frame, action in enumerate(("Gaming", "Walking"))
        for j, joint in enumerate(JOINTS)
    ]  # fmt: skip
    views = pd.DataFrame(rows)
    hidden = views.joint.str.endswith("Foot") & (views.frame == 1)
    changes = {"state": "hidden by the wearer", "hidden_by": "torso", "covered_with": "shirt"}
    views.loc[hidden, list(changes)] = list(changes.values())
    views.loc[views.joint == "Head", "state"] = "outside the image"
    return views


def test_visibility_figures_show_the_shares(views):
    axes = plots.visibility_bars(views).axes[0]
    assert axes.get_xlabel() == "share of frames (%)"
    names, widths = [label.get_text() for label in axes.get_yticklabels()], {}
    for container in axes.containers:
        for place, name, bar in zip(axes.get_yticks(), names, container, strict=True):
            widths[container.get_label(), name] = bar.get_width()
            assert bar.get_y() < place < bar.get_y() + bar.get_height()
    assert widths["seen", "LeftFoot"] == widths["hidden by the wearer", "LeftFoot"] == 50
    assert widths["outside the image", "Head"] == 100
    parts, cloth = plots.what_hides_what(views).axes
    assert (tick_labels(parts), tick_labels(cloth)) == (["torso"], ["shirt"])
    assert [text.get_text() for text in parts.texts] == ["50"]
    axes = plots.visibility_by_action(views).axes[0]
    assert tick_labels(axes) == ["Gaming", "Walking"]
    foot = HEATMAP_JOINTS.index("LeftFoot")
    assert axes.images[0].get_array()[foot].tolist() == [100, 0]


def test_nothing_hides_what_is_seen(views):
    assert plots.what_hides_what(views[views.state == "seen"]) is None


def test_joint_sizes_have_units_and_one_box_a_joint(views):
    distance, size, law = plots.joint_sizes(views).axes
    assert len(boxes(distance)) == len(boxes(size)) == len(HEATMAP_JOINTS)
    assert distance.get_xlabel().endswith("(cm)")
    assert "px a cm" in size.get_xlabel()
    assert len(law.lines) == len(HEATMAP_JOINTS) + 1


def test_joints_around_camera_are_upright(world):
    front, side = plots.joints_around_camera(world[2]).axes
    assert len(front.collections) == len(side.collections) == len(JOINTS)
    heights = np.concatenate([np.asarray(c.get_offsets())[:, 1] for c in front.collections])
    assert np.median(heights) == pytest.approx(-80, abs=10)  # the world's joints: 0.8 m below
