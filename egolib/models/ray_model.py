"""The study's own model: picture -> rays through the lens -> pose, in one network and one stage.

A pyramid (after Lin et al., CVPR 2017) brings the trunk's late features back to the cells of its first
ones, a quarter of the picture's side. For every joint the cells, and an "elsewhere", are scored; the
softmax of the scores is where the joint is seen: a heatmap, the mean ray through the lens (integral
regression, Sun et al., ECCV 2018, on the sphere instead of in pixels) and the mean features along it.
From these and the picture as a whole comes the pose: how far away on its ray each joint is, and how far
beside it. Poses are in the camera frame, so that the place of the neck is an outcome too. Each joint
also says how far off it expects to be.

B batch, S picture side, H = S / 4 side of the maps, C cells of a map, D width of what is known of a joint.
"""

import contextlib
import math

import torch
from torch import nn

from egolib.camera import square_rays
from egolib.data.index import HEAD, from_neck
from egolib.models.networks import TRUNK_CHANNELS, Lifted, guess_first, resnet_trunk
from egolib.skeleton import HEATMAP_JOINTS, JOINTS

WIDTH = 128
LEAST_SPREAD_M = 1e-3  # no joint expects less


def map_side(image_px):
    """Side H of the maps for pictures of side S: that of a ResNet's first stage, 92 for 368."""
    return math.ceil(image_px / 4)


class RayPose(nn.Module):
    """Picture -> heatmaps -> rays -> pose (see the module).

    `sigma_px`: of the Gaussians that its maps learn, in cells. `early_features`: the pyramid reads all
    stages of the trunk, not the last one alone. `uncertainty`: joints say how far off they expect to be.
    Raises EgolibError as models.HeatmapNet does.
    """

    def __init__(self, backbone="resnet18", sigma_px=1.0, early_features=True, uncertainty=True,
                 pretrained=False):  # fmt: skip
        super().__init__()
        self.trunk = resnet_trunk(backbone, pretrained)
        channels = TRUNK_CHANNELS[backbone]
        self.pyramid = Pyramid(channels, early_features)
        self.scores = nn.Conv2d(WIDTH, len(HEATMAP_JOINTS), kernel_size=1)
        self.elsewhere = nn.Linear(channels[-1], len(HEATMAP_JOINTS))
        self.full_cell = 2 * math.pi * sigma_px**2  # what the cells of a Gaussian of peak 1 sum to
        self.summary = nn.Sequential(
            nn.Linear(channels[-1] + 3 * len(JOINTS), 2 * WIDTH), nn.GELU()
        )
        self.first = nn.Linear(2 * WIDTH, len(JOINTS) * 4)
        self.of_joints = nn.Linear(2 * WIDTH, len(JOINTS) * WIDTH)
        self.along_ray = nn.Linear(WIDTH, WIDTH)
        self.nearer = nn.Linear(WIDTH, 4)
        self.spread = nn.Linear(WIDTH, 1) if uncertainty else None
        nn.init.normal_(self.scores.weight, std=1e-2)
        for layer in (self.scores, self.elsewhere, self.nearer):
            nn.init.zeros_(layer.bias)
        for layer in (self.elsewhere, self.nearer):
            nn.init.zeros_(layer.weight)

    @torch.no_grad()
    def start_at(self, pose_m):
        """Let the joints begin on their mean rays, as far away as in `pose_m` (16, 3), which is in
        the camera frame; the head, which has no ray, at its place."""
        offsets_m, distances_m = torch.zeros_like(pose_m), pose_m.norm(dim=-1, keepdim=True)
        offsets_m[HEAD] = pose_m[HEAD]
        guess_first(self.first, torch.cat([offsets_m, distances_m], -1))

    def forward(self, images):
        """images (B, 3, S, S) in [-1, 1] -> heatmaps (B, 15, H, H), and the parts of a Lifted"""
        stages = [self.trunk[:5](images)]
        for layer in self.trunk[5:]:
            stages.append(layer(stages[-1]))
        cells, whole = self.pyramid(stages), stages[-1].mean((2, 3))
        scores = torch.cat([self.scores(cells).flatten(2), self.elsewhere(whole)[..., None]], -1)
        # Mixed precision would round a metre to 4 mm: what follows is small, and computed in full.
        with _full_precision(images.device.type):
            return self.lift(scores.float(), cells.float(), whole.float())

    def lift(self, scores, cells, whole):
        """scores (B, 15, C + 1), the last of which is "elsewhere"; cells (B, D, H, H); the trunk's mean
        features (B, C') -> as `forward`"""
        side = cells.shape[-1]
        weights = scores.softmax(-1)[..., :-1]
        heatmaps = (weights * self.full_cell).unflatten(-1, (side, side))
        # The head has no heatmap: its ray is zero, and so is what lies along it.
        weights = torch.cat([weights[:, :HEAD], 0 * weights[:, :1], weights[:, HEAD:]], 1)
        rays = weights @ torch.from_numpy(square_rays(side)).to(weights).flatten(0, 1)
        summary = self.summary(torch.cat([whole, rays.flatten(1)], 1))
        joints = self.of_joints(summary).unflatten(1, (len(JOINTS), WIDTH))
        joints = nn.functional.gelu(joints + self.along_ray(weights @ cells.flatten(2).mT))
        placed = self.first(summary).unflatten(1, (len(JOINTS), 4)) + self.nearer(joints)
        camera_m = placed[..., :3] + placed[..., 3:] * rays
        spread_m = None
        if self.spread is not None:  # at first 7 cm
            spread_m = nn.functional.softplus(self.spread(joints)[..., 0]) / 10 + LEAST_SPREAD_M
        return heatmaps, *Lifted(
            from_neck(camera_m),
            camera_m=camera_m,
            spread_m=spread_m,
            rays=rays,
            scores=scores,
        )


def _full_precision(device_type):
    """A context without mixed precision, also on devices that know none (meta, which counts costs)."""
    if torch.amp.is_autocast_available(device_type):
        return torch.autocast(device_type, enabled=False)
    return contextlib.nullcontext()


class Pyramid(nn.Module):
    """The trunk's stages, coarse ones enlarged and added to finer ones -> maps of the first one's side."""

    def __init__(self, channels, early_features):
        super().__init__()
        self.sides = nn.ModuleList(
            nn.Conv2d(count, WIDTH, 1) for count in (channels if early_features else channels[-1:])
        )
        # Where nothing is added on the way, it is smoothed on the way all the same.
        self.smooth = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU()
            )
            for _ in channels[:-1]
        )

    def forward(self, stages):
        """[(B, C, H, H), ..., fine to coarse] -> (B, WIDTH, H, H)"""
        sides = [side(stage) for side, stage in zip(self.sides[::-1], stages[::-1], strict=False)]
        maps = sides[0]
        for i, stage in enumerate(stages[-2::-1], start=1):
            maps = nn.functional.interpolate(maps, stage.shape[-2:], mode="nearest")
            maps = self.smooth[i - 1](maps + sides[i] if i < len(sides) else maps)
        return maps
