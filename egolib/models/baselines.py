"""Other ways from heatmaps to a pose, which the paper's lifter is compared with."""

import torch
from torch import nn

from egolib.models.heatmaps import find_peaks
from egolib.models.networks import Lifted, encoder, guess_first, keep_variance
from egolib.skeleton import HEATMAP_JOINTS, JOINTS


class DirectLifter(nn.Module):
    """The paper's encoder straight to the pose: no bottleneck, no branches (an ablation of
    Ego-STAN, Park et al. 2023)."""

    def __init__(self, heatmap_px):
        super().__init__()
        self.encoder = encoder(heatmap_px, len(JOINTS) * 3)
        self.apply(keep_variance)

    def start_at(self, pose_m):
        """Make `pose_m` (16, 3) the first guess for every picture."""
        guess_first(self.encoder[-1], pose_m)

    def forward(self, heatmaps):
        """heatmaps (B, 15, H, H) -> Lifted, its pose alone"""
        return Lifted(self.encoder(heatmaps).unflatten(1, (len(JOINTS), 3)))


class MartinezLifter(nn.Module):
    """Martinez et al., ICCV 2017: 2D joints -> pose by two residual blocks of 1024 units with batch
    normalisation and dropout.

    The joints are the peaks of the heatmaps, in [-1, 1] across the picture, each with its peak's
    height as the confidence, which the original lacks: a joint outside the picture has a map, and
    so a peak, too.
    """

    def __init__(self, width=1024, dropout=0.5):
        super().__init__()
        self.start = _dense(3 * len(HEATMAP_JOINTS), width, dropout)
        self.blocks = nn.ModuleList(
            nn.Sequential(_dense(width, width, dropout), _dense(width, width, dropout))
            for _ in range(2)
        )
        self.end = nn.Linear(width, len(JOINTS) * 3)

    def start_at(self, pose_m):
        """Make `pose_m` (16, 3) the first guess for every picture."""
        guess_first(self.end, pose_m)

    def forward(self, heatmaps):
        """heatmaps (B, 15, H, H) -> Lifted, its pose alone"""
        joints, confidence = find_peaks(heatmaps, image_px=2)  # a picture of 2 px: -0.5 to 1.5
        values = torch.cat([joints - 0.5, confidence[..., None]], -1).flatten(1)
        hidden = self.start(values)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return Lifted(self.end(hidden).unflatten(1, (len(JOINTS), 3)))


def _dense(inputs, outputs, dropout):
    return nn.Sequential(
        nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(dropout)
    )
