"""The study's own model: joint queries that look where the lens draws them.

For every joint, the network finds a ray through the lens and what the picture shows along it. From
that and from the picture as a whole comes a first pose: how far away on its ray each joint is. Then
every joint is a query. In each step it is projected through the fisheye lens, reads the features that
lie there, talks to the other joints, and moves. Poses are in the camera frame, so that the place of
the neck is an outcome too. Each joint also says how far off it expects to be.

After EgoPoseFormer (Yang et al., ECCV 2024), which refines a proposal by deformable attention from
two cameras; here one bilinear sample of three maps is read in each step.

B batch, S picture side, H heatmap side, D width of a query.
"""

import torch
from torch import nn

from egolib.camera import project_tensor, square_grid, square_rays
from egolib.dataset import HEAD, NECK
from egolib.models import Lifted, guess_first
from egolib.skeleton import HEATMAP_JOINTS, JOINTS

WIDTH = 128
_SHARPNESS = 12.0  # a softmax of so many times a heatmap of peak 1 lies on its peak


class QueryPose(nn.Module):
    """Picture -> heatmaps -> first pose -> refined pose (see the module).

    `refinements`: steps after the first pose. `at_projections`: queries read features where they
    are projected to. `self_attention`: queries read each other. `uncertainty`: they say how far off
    they expect to be.
    """

    def __init__(self, heatmap_net, refinements=2, at_projections=True, self_attention=True,
                 uncertainty=True):  # fmt: skip
        super().__init__()
        self.heatmap_net, channels = heatmap_net, heatmap_net.channels
        self.rays = MeanRays(channels["wide"])
        self.summary = nn.Sequential(
            nn.Linear(channels["deep"] + 3 * len(JOINTS), 2 * WIDTH), nn.GELU()
        )
        self.first = nn.Linear(2 * WIDTH, len(JOINTS) * 4)
        self.nearer = nn.Linear(WIDTH, 4)
        nn.init.zeros_(self.nearer.weight)
        nn.init.zeros_(self.nearer.bias)
        self.queries = nn.Linear(2 * WIDTH, len(JOINTS) * WIDTH)
        self.along_ray = nn.Linear(channels["wide"], WIDTH)
        sampled = len(HEATMAP_JOINTS) + channels["wide"] + channels["fine"]
        self.steps = nn.ModuleList(
            RefinementStep(sampled if at_projections else 0, self_attention)
            for _ in range(refinements)
        )
        self.spread = nn.Linear(WIDTH, 1) if uncertainty else None

    @torch.no_grad()
    def start_at(self, pose_m):
        """Let the joints begin on their mean rays, as far away as in `pose_m` (16, 3), which is in
        the camera frame; the head, which has no ray, at its place. The rays begin as the heatmaps."""
        offsets_m, distances_m = torch.zeros_like(pose_m), pose_m.norm(dim=-1, keepdim=True)
        offsets_m[HEAD] = pose_m[HEAD]
        guess_first(self.first, torch.cat([offsets_m, distances_m], -1))
        self.rays.scores.load_state_dict(self.heatmap_net.head.state_dict())
        for parameter in self.rays.scores.parameters():
            parameter.mul_(_SHARPNESS)

    def forward(self, images):
        """images (B, 3, S, S) in [-1, 1] -> heatmaps (B, 15, H, H), and the parts of a Lifted"""
        heatmaps, deep, wide, fine = self.heatmap_net.features(images)
        rays, along_ray = self.rays(wide)
        summary = self.summary(torch.cat([deep.mean((2, 3)), rays.flatten(1)], 1))
        queries = self.queries(summary).unflatten(1, (len(JOINTS), WIDTH))
        queries = nn.functional.gelu(queries + self.along_ray(along_ray))
        first = self.first(summary).unflatten(1, (len(JOINTS), 4)) + self.nearer(queries)
        poses_m = [first[..., :3] + first[..., 3:] * rays]
        for step in self.steps:
            queries, moved_m = step(queries, poses_m[-1].detach(), rays, (heatmaps, wide, fine))
            poses_m.append(poses_m[-1] + moved_m)
        last_m = poses_m[-1]
        spread_m = None
        if self.spread is not None:  # at first 7 cm
            spread_m = nn.functional.softplus(self.spread(queries)[..., 0]) / 10 + 1e-3
        return heatmaps, *Lifted(
            last_m - last_m[:, NECK, None],
            steps_m=torch.stack(poses_m, 1),
            spread_m=spread_m,
            queries=queries,
            rays=rays,
        )


class MeanRays(nn.Module):
    """For every joint the mean of the cells' rays through the lens, weighted by a softmax of scores
    (integral regression, Sun et al., ECCV 2018, on the sphere instead of in pixels), and the mean of
    their features. A ray is short where the scores are spread out, and zero for the head, which has
    no heatmap."""

    def __init__(self, channels):
        super().__init__()
        self.scores = nn.Conv2d(channels, len(HEATMAP_JOINTS), kernel_size=1)

    def forward(self, features):
        """features (B, C, H, H) -> rays (B, 16, 3), features (B, 16, C)"""
        cells = torch.from_numpy(square_rays(features.shape[-1])).to(features).flatten(0, 1)
        weights = self.scores(features).flatten(2).softmax(-1)
        weights = torch.cat([weights[:, :HEAD], 0 * weights[:, :1], weights[:, HEAD:]], 1)
        return weights @ cells, weights @ features.flatten(2).mT


class RefinementStep(nn.Module):
    """Queries look at the features where they are, at each other, and say how far to move."""

    def __init__(self, channels, self_attention):
        super().__init__()
        self.look = nn.Linear(channels, WIDTH) if channels else None
        self.place = nn.Linear(3 + 3, WIDTH)
        self.normal = nn.LayerNorm(WIDTH)
        self.talk = nn.MultiheadAttention(WIDTH, 4, batch_first=True) if self_attention else None
        self.think = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )
        self.move = nn.Linear(WIDTH, 3)
        nn.init.zeros_(self.move.weight)
        nn.init.zeros_(self.move.bias)

    def forward(self, queries, pose_m, rays, maps):
        """queries (B, 16, D), pose_m (B, 16, 3), rays (B, 16, 3), maps -> (queries, move (B, 16, 3))"""
        queries = queries + self.place(torch.cat([pose_m, rays], -1))
        if self.look is not None:
            queries = queries + self.look(sample_at(pose_m, maps))
        if self.talk is not None:
            normal = self.normal(queries)
            queries = queries + self.talk(normal, normal, normal, need_weights=False)[0]
        queries = queries + self.think(queries)
        return queries, self.move(queries)


def sample_at(points_m, maps):
    """Features where the lens draws points (B, J, 3): of maps [(B, C, H, H), ...] that show the
    square crop -> (B, J, sum of C), bilinear; zero outside the picture."""
    grid = square_grid(project_tensor(points_m))[:, :, None]
    return torch.cat(
        [nn.functional.grid_sample(each, grid, align_corners=False)[..., 0].mT for each in maps],
        -1,
    )
