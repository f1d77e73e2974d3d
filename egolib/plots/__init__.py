"""Every figure of the study. Each function returns a Figure that shows itself in Jupyter as the last
expression of a cell; `save_figure` writes it as pdf and png."""

from egolib.plots.analysis import (
    bone_bars,
    cause_bars,
    direction_bars,
    expected_error_curve,
    factor_curve,
    jitter_bars,
    lifting_bars,
    people_dots,
    reliability_diagram,
    visibility_errors,
)
from egolib.plots.curves import training_curves
from egolib.plots.data import (
    joint_location_map,
    joint_sizes,
    joints_around_camera,
    visibility_bars,
    visibility_by_action,
    what_hides_what,
)
from egolib.plots.errors import (
    action_error_bars,
    action_error_boxes,
    error_skeleton,
    joint_error_bars,
    joint_error_boxes,
    upper_lower_boxes,
)
from egolib.plots.methods import ablation_figure, method_bars
from egolib.plots.ray_model import architecture, error_by_minutes, expected_errors
from egolib.plots.sheets import (
    clip_strips,
    contact_sheet,
    frame_sheet,
    heatmap_sheet,
    picture_row,
    prediction_sheet,
    typical_frames,
    worst_sheet,
)
from egolib.plots.style import save_figure

__all__ = [
    "ablation_figure", "action_error_bars", "action_error_boxes", "architecture", "bone_bars", "cause_bars", "clip_strips", "contact_sheet", "direction_bars", "error_by_minutes", "error_skeleton", "expected_error_curve", "expected_errors", "factor_curve", "frame_sheet", "heatmap_sheet", "jitter_bars", "joint_error_bars", "joint_error_boxes", "joint_location_map", "joint_sizes", "joints_around_camera", "lifting_bars", "method_bars", "people_dots", "picture_row", "prediction_sheet", "reliability_diagram", "save_figure", "training_curves", "typical_frames", "upper_lower_boxes", "visibility_bars", "visibility_by_action", "visibility_errors", "what_hides_what", "worst_sheet",
]  # fmt: skip
