"""A trained network as other programs use it: images in, named outputs out."""

import torch
from torch import nn

from egolib.camera import native_to_grid, project_tensor
from egolib.data.dataset import normalise
from egolib.models.heatmaps import find_peaks
from egolib.skeleton import HEATMAP_JOINT_INDICES

IMAGE_KINDS = ("heatmaps", "end_to_end", "ray_model")  # kinds of networks whose input is one image
# Every output that a network may have, and the meaning of its numbers; B images.
OUTPUTS = {
    "joints_px": "(B, 15, 2) heatmap joints: pixels of the given square, centres on integers, also outside"
    " of it; of a network that places the neck, a joint of confidence c below 0.5 is moved from its peak"
    " towards the projection of its pose, by the share 1 - 2 c",
    "confidence": "(B, 15) of the heatmap joints: their peaks, 0 to 1",
    "pose_m": "(B, 16, 3) joints: metres from the neck; x to the wearer's left, y forward, z down",
    "neck_m": "(B, 3) metres from the camera, same axes",
    "expected_error_m": "(B, 16) metres by which each joint expects to be off",
}
SURE = 0.5  # from this confidence on the joint lies at its heatmap peak


class Estimator(nn.Module):
    """A network for images as other programs hold them: squares of uint8 RGB (B, S, S, 3) -> {name:
    float32 tensor}, of OUTPUTS those that the network has, in that order. `network` is any that takes
    normalised images (B, 3, S, S) and returns an output.NetworkOutput with heatmaps."""

    def __init__(self, network: nn.Module, image_px: int):
        super().__init__()
        self.network = network
        self.image_px = image_px

    def forward(self, squares):
        output = self.network(normalise(squares.permute(0, 3, 1, 2)))
        joints_px, confidence = find_peaks(output.heatmaps, self.image_px)
        if output.joints_cam_m is not None:
            # Points behind the lens plane are projected beyond the lens's circle.
            native = project_tensor(output.joints_cam_m[:, HEATMAP_JOINT_INDICES].float())
            projected_px = (native_to_grid(native) + 1) * (self.image_px / 2) - 0.5
            share = (confidence / SURE).clamp(max=1)[..., None]
            joints_px = torch.lerp(projected_px, joints_px, share)
        values = {
            "joints_px": joints_px,
            "confidence": confidence.clamp(max=1),
            "pose_m": output.joints_rel_m,
            "neck_m": output.neck_cam_m,
            "expected_error_m": output.expected_error_m,
        }
        return {name: value.float() for name, value in values.items() if value is not None}
