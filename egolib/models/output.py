"""What a network returns: one record with named tensors, whichever network it is."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch

from egolib.skeleton import NECK


def required(tensor: torch.Tensor | None) -> torch.Tensor:
    """An output that the network must have. Raises ValueError where it is None."""
    if tensor is None:
        raise ValueError("the network does not have this output")
    return tensor


@dataclass
class NetworkOutput:
    """The outputs of a network for B inputs. What a network does not have is None.

    heatmaps: (B, 15, H, H), of the heatmap network, the end-to-end network and the ray model.
    joints_rel_m: (B, 16, 3) metres relative to the neck, of every network but the heatmap network.
    reconstruction: (B, 15, H, H), the heatmaps again, of a lifter with a heatmap branch.
    rotations: (B, 16, 3, 3) joint rotations, of a lifter with a rotation branch.

    Of the ray model alone:
    joints_cam_m: (B, 16, 3) metres in the camera frame.
    rays: (B, 16, 3), the mean ray on which each joint is seen; zero for the head.
    scores: (B, 15, C + 1), of the C cells of its maps and of "elsewhere", before the softmax.
    expected_error_m: (B, 16), the predicted error of each joint.
    """

    heatmaps: torch.Tensor | None = None
    joints_rel_m: torch.Tensor | None = None
    reconstruction: torch.Tensor | None = None
    rotations: torch.Tensor | None = None
    joints_cam_m: torch.Tensor | None = None
    rays: torch.Tensor | None = None
    scores: torch.Tensor | None = None
    expected_error_m: torch.Tensor | None = None

    @property
    def neck_cam_m(self) -> torch.Tensor | None:
        """The neck in the camera frame (B, 3) metres, of a network that places it; else None."""
        return None if self.joints_cam_m is None else self.joints_cam_m[:, NECK]

    def map(self, function: Callable[[torch.Tensor], torch.Tensor]) -> "NetworkOutput":
        """The output with `function` applied to every tensor that it has."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return NetworkOutput(**{k: v if v is None else function(v) for k, v in values.items()})
