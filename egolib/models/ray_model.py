"""The ray model of this study: image -> rays through the lens -> pose, in one stage of training.

A feature pyramid (after Lin et al., CVPR 2017) upsamples the late features of the backbone to the
resolution of its first stage, a quarter of the image's side, and adds the stages between. For each
joint, every cell of this map gets a score, and so does "elsewhere", which means that the joint is
not in the image. The softmax of the scores is a distribution over where the joint is. It yields a
heatmap, the mean ray through the lens (integral regression, Sun et al., ECCV 2018, on the sphere
instead of in pixels) and the mean features under the heatmap. From these and the mean features of
the image the network predicts the pose: for each joint, a distance along its ray and an offset from
the ray. Poses are in the camera frame, so that the position of the neck is predicted too. The model
also predicts the expected error of each joint.

Dimensions: B batch size, S image side, H = S / 4 side of the maps, C = H * H cells of a map,
D = WIDTH feature channels.
"""

import contextlib
import math

import torch
from torch import nn

from egolib.camera import square_rays
from egolib.models.backbone import BACKBONE_CHANNELS, resnet_backbone
from egolib.models.lifters import set_first_prediction
from egolib.models.output import NetworkOutput
from egolib.skeleton import HEAD, HEATMAP_JOINTS, JOINTS, relative_to_neck

WIDTH = 128
MIN_EXPECTED_ERROR_M = 1e-3


def map_side(image_px: int) -> int:
    """Side H of the maps for images of side S, as after a ResNet's first stage: 92 for 368."""
    return math.ceil(image_px / 4)


class RayModel(nn.Module):
    """Image -> heatmaps -> rays -> pose (see the docstring of the module).

    `sigma_px`: standard deviation of the Gaussians in the target heatmaps, in cells.
    `early_features`: the pyramid reads all stages of the backbone, not only the last.
    `expected_error`: predict the expected error of each joint. `pretrained`: start from a
    pretrained backbone.
    Raises EgolibError as `resnet_backbone` does.
    """

    def __init__(
        self,
        backbone: str = "resnet18",
        sigma_px: float = 1.0,
        early_features: bool = True,
        expected_error: bool = True,
        pretrained: bool = False,
    ):
        super().__init__()
        self.backbone = resnet_backbone(backbone, pretrained)
        channels = BACKBONE_CHANNELS[backbone]
        self.pyramid = FeaturePyramid(channels, early_features)
        self.cell_scores = nn.Conv2d(WIDTH, len(HEATMAP_JOINTS), kernel_size=1)
        self.elsewhere_scores = nn.Linear(channels[-1], len(HEATMAP_JOINTS))
        # Sum over all cells of a Gaussian with peak 1: the factor from a softmax to a heatmap.
        self.gaussian_sum = 2 * math.pi * sigma_px**2
        self.summary = nn.Sequential(
            nn.Linear(channels[-1] + 3 * len(JOINTS), 2 * WIDTH), nn.GELU()
        )
        self.placement = nn.Linear(2 * WIDTH, len(JOINTS) * 4)
        self.joint_features = nn.Linear(2 * WIDTH, len(JOINTS) * WIDTH)
        self.ray_features = nn.Linear(WIDTH, WIDTH)
        self.correction = nn.Linear(WIDTH, 4)
        self.expected_error = nn.Linear(WIDTH, 1) if expected_error else None
        nn.init.normal_(self.cell_scores.weight, std=1e-2)
        for layer in (self.cell_scores, self.elsewhere_scores, self.correction):
            nn.init.zeros_(layer.get_parameter("bias"))
        for layer in (self.elsewhere_scores, self.correction):
            nn.init.zeros_(layer.weight)

    @torch.no_grad()
    def start_at(self, joints_cam_m: torch.Tensor) -> None:
        """Initialise the output layer with a pose `joints_cam_m` (16, 3): each joint first lies on
        its mean ray at its distance in this pose; the head, which has no ray, at its position."""
        offsets_m = torch.zeros_like(joints_cam_m)
        offsets_m[HEAD] = joints_cam_m[HEAD]
        distances_m = joints_cam_m.norm(dim=-1, keepdim=True)
        set_first_prediction(self.placement, torch.cat([offsets_m, distances_m], -1))

    def forward(self, images: torch.Tensor) -> NetworkOutput:
        """images (B, 3, S, S) in [-1, 1] -> heatmaps (B, 15, H, H), the pose in both frames, rays,
        scores and expected errors."""
        stages = [self.backbone[:5](images)]
        for layer in self.backbone[5:]:
            stages.append(layer(stages[-1]))
        maps, image_features = self.pyramid(stages), stages[-1].mean((2, 3))
        elsewhere = self.elsewhere_scores(image_features)[..., None]
        scores = torch.cat([self.cell_scores(maps).flatten(2), elsewhere], -1)
        # Mixed precision would round one metre by up to 4 mm. The rest is cheap in float32.
        with _full_precision(images.device.type):
            return self.place(scores.float(), maps.float(), image_features.float())

    def place(
        self, scores: torch.Tensor, maps: torch.Tensor, image_features: torch.Tensor
    ) -> NetworkOutput:
        """scores (B, 15, C + 1), of which the last is "elsewhere"; maps (B, D, H, H); the mean
        features of the backbone (B, channels) -> the same output as `forward`."""
        side = maps.shape[-1]
        weights = scores.softmax(-1)[..., :-1]
        heatmaps = (weights * self.gaussian_sum).unflatten(-1, (side, side))
        # The head has no heatmap: its ray is zero, and so are the features along it.
        weights = torch.cat([weights[:, :HEAD], 0 * weights[:, :1], weights[:, HEAD:]], 1)
        rays = weights @ torch.from_numpy(square_rays(side)).to(weights).flatten(0, 1)
        summary = self.summary(torch.cat([image_features, rays.flatten(1)], 1))
        joints = self.joint_features(summary).unflatten(1, (len(JOINTS), WIDTH))
        joints = nn.functional.gelu(joints + self.ray_features(weights @ maps.flatten(2).mT))
        placed = self.placement(summary).unflatten(1, (len(JOINTS), 4)) + self.correction(joints)
        joints_cam_m = placed[..., :3] + placed[..., 3:] * rays
        expected_error_m = None
        if self.expected_error is not None:  # about 7 cm before training
            softplus = nn.functional.softplus(self.expected_error(joints)[..., 0])
            expected_error_m = softplus / 10 + MIN_EXPECTED_ERROR_M
        return NetworkOutput(
            heatmaps=heatmaps,
            joints_rel_m=relative_to_neck(joints_cam_m),
            joints_cam_m=joints_cam_m,
            rays=rays,
            scores=scores,
            expected_error_m=expected_error_m,
        )


def _full_precision(device_type: str) -> contextlib.AbstractContextManager:
    """A context without mixed precision, also on devices that do not support it, such as meta."""
    if torch.amp.is_autocast_available(device_type):
        return torch.autocast(device_type, enabled=False)
    return contextlib.nullcontext()


class FeaturePyramid(nn.Module):
    """Merge the stages of a backbone: coarse maps are enlarged and added to finer ones -> maps of
    the size of the first stage."""

    def __init__(self, channels: tuple[int, ...], early_features: bool):
        super().__init__()
        self.lateral = nn.ModuleList(
            nn.Conv2d(count, WIDTH, 1) for count in (channels if early_features else channels[-1:])
        )
        # The maps are smoothed after each enlargement, even if no early features are added.
        self.smooth = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU()
            )
            for _ in channels[:-1]
        )

    def forward(self, stages: list[torch.Tensor]) -> torch.Tensor:
        """Outputs of the stages, fine to coarse, (B, channels, side, side) each -> (B, D, H, H)."""
        lateral = [
            layer(stage) for layer, stage in zip(self.lateral[::-1], stages[::-1], strict=False)
        ]
        maps = lateral[0]
        for i, stage in enumerate(stages[-2::-1], start=1):
            maps = nn.functional.interpolate(maps, stage.shape[-2:], mode="nearest")
            maps = self.smooth[i - 1](maps + lateral[i] if i < len(lateral) else maps)
        return maps
