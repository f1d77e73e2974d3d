"""Every figure of the study. Each function returns a Figure that shows itself in Jupyter as the
last expression of a cell; `save_figure` writes it as pdf and png."""

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
from egolib.plots.lessons import (
    heatmap_kinds,
    heatmap_rows,
    heatmap_widths,
    latent_walks,
    lens_curve,
    projected_joint,
    step_curves,
    tensor_sizes,
)
from egolib.plots.methods import ablation_figure, method_bars
from egolib.plots.ray_model import architecture, error_by_minutes, joint_on_rays
from egolib.plots.sheets import (
    clip_strips,
    contact_sheet,
    frame_sheet,
    heatmap_sheet,
    image_row,
    prediction_sheet,
    typical_frames,
    worst_sheet,
)
from egolib.plots.style import save_figure
