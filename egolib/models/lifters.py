"""Stage 2: heatmaps -> pose. The paper's lifter, its variants, and two lifters to compare it with.

Dimensions: batch size B, 15 heatmap joints, heatmaps of H x H cells, 16 pose joints.
"""

import torch
from torch import nn

from egolib.models.heatmaps import find_peaks
from egolib.models.output import NetworkOutput
from egolib.models.rotations import matrices_from_6d
from egolib.skeleton import HEATMAP_JOINTS, JOINTS


class PoseLifter(nn.Module):
    """The paper's lifter (section 4.2). It encodes heatmaps into a small latent, from which its
    branches decode the pose and the heatmaps.

    The heatmap branch reconstructs the heatmaps, so that the latent keeps their uncertainty;
    `heatmap_branch = False` is the paper's single-branch variant. `rotation_branch` adds the branch
    of SelfPose (Tome et al., TPAMI 2020), which predicts rotations of the 16 joints in the 6D
    representation (rotations.py); the width of its layers was chosen here. The pose branch has
    activations, unlike that of the public re-implementations; without them, its three layers are
    equivalent to one linear layer.
    """

    def __init__(
        self,
        heatmap_px: int,
        latent_size: int = 20,
        heatmap_branch: bool = True,
        pose_activations: bool = True,
        rotation_branch: bool = False,
    ):
        super().__init__()
        joints, side = len(HEATMAP_JOINTS), heatmap_px // 8
        flat = 512 * side * side
        leaky = nn.LeakyReLU(0.2)
        between = leaky if pose_activations else nn.Identity()
        self.encoder = encoder(heatmap_px, latent_size)
        self.pose_branch = nn.Sequential(
            nn.Linear(latent_size, 32), between,
            nn.Linear(32, 32), between,
            nn.Linear(32, len(JOINTS) * 3),
        )  # fmt: skip
        self.rotation_branch = None
        if rotation_branch:
            self.rotation_branch = nn.Sequential(
                nn.Linear(latent_size, 64), leaky,
                nn.Linear(64, 64), leaky,
                nn.Linear(64, len(JOINTS) * 6), nn.Unflatten(1, (len(JOINTS), 6)),
            )  # fmt: skip
        self.heatmap_branch = None
        if heatmap_branch:
            self.heatmap_branch = nn.Sequential(
                nn.Linear(latent_size, 512), leaky,
                nn.Linear(512, 2048), leaky,
                nn.Linear(2048, flat), leaky,
                nn.Unflatten(1, (512, side, side)),
                nn.ConvTranspose2d(512, 128, 4, stride=2, padding=1), nn.ReLU(inplace=True),
                nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1), nn.ReLU(inplace=True),
                nn.ConvTranspose2d(64, joints, 4, stride=2, padding=1),
            )  # fmt: skip
        self.apply(he_initialisation)
        if self.rotation_branch:  # the first prediction is the identity for every joint
            last = self.rotation_branch[-2]
            nn.init.zeros_(last.get_parameter("weight"))
            last.get_parameter("bias").data = torch.eye(3)[:2].flatten().repeat(len(JOINTS))

    def start_at(self, joints_rel_m: torch.Tensor) -> None:
        """Make `joints_rel_m` (16, 3) the prediction for every input before training."""
        set_first_prediction(self.pose_branch[-1], joints_rel_m)

    def forward(self, heatmaps: torch.Tensor) -> NetworkOutput:
        """heatmaps (B, 15, H, H) -> joints_rel_m (B, 16, 3) and the other branches' outputs"""
        latent = self.encoder(heatmaps)
        return NetworkOutput(
            joints_rel_m=self.pose_branch(latent).unflatten(1, (len(JOINTS), 3)),
            reconstruction=self.heatmap_branch(latent) if self.heatmap_branch else None,
            rotations=(
                matrices_from_6d(self.rotation_branch(latent)) if self.rotation_branch else None
            ),
        )


class DirectLifter(nn.Module):
    """The paper's encoder, which predicts the pose directly, without a bottleneck and branches (an
    ablation in Ego-STAN, Park et al. 2023)."""

    def __init__(self, heatmap_px: int):
        super().__init__()
        self.encoder = encoder(heatmap_px, len(JOINTS) * 3)
        self.apply(he_initialisation)

    def start_at(self, joints_rel_m: torch.Tensor) -> None:
        """Make `joints_rel_m` (16, 3) the prediction for every input before training."""
        set_first_prediction(self.encoder[-1], joints_rel_m)

    def forward(self, heatmaps: torch.Tensor) -> NetworkOutput:
        """heatmaps (B, 15, H, H) -> joints_rel_m"""
        return NetworkOutput(joints_rel_m=self.encoder(heatmaps).unflatten(1, (len(JOINTS), 3)))


class MartinezLifter(nn.Module):
    """The lifter of Martinez et al., ICCV 2017: 2D joints -> pose, by two residual blocks of 1024
    units with batch normalisation and dropout.

    The 2D joints are the heatmap peaks, with coordinates in [-1, 1] across the image. The height of
    each peak is a third input, the confidence. The original has no confidence; it is added here
    because a joint outside the image also has a heatmap, and therefore a peak.
    """

    def __init__(self, width: int = 1024, dropout: float = 0.5):
        super().__init__()
        self.start = _dense(3 * len(HEATMAP_JOINTS), width, dropout)
        self.blocks = nn.ModuleList(
            nn.Sequential(_dense(width, width, dropout), _dense(width, width, dropout))
            for _ in range(2)
        )
        self.end = nn.Linear(width, len(JOINTS) * 3)

    def start_at(self, joints_rel_m: torch.Tensor) -> None:
        """Make `joints_rel_m` (16, 3) the prediction for every input before training."""
        set_first_prediction(self.end, joints_rel_m)

    def forward(self, heatmaps: torch.Tensor) -> NetworkOutput:
        """heatmaps (B, 15, H, H) -> joints_rel_m"""
        joints, confidence = find_peaks(heatmaps, image_px=2)  # coordinates from -0.5 to 1.5
        values = torch.cat([joints - 0.5, confidence[..., None]], -1).flatten(1)
        hidden = self.start(values)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return NetworkOutput(joints_rel_m=self.end(hidden).unflatten(1, (len(JOINTS), 3)))


def encoder(heatmap_px: int, outputs: int) -> nn.Sequential:
    """The paper's encoder (section 4.2), heatmaps (B, 15, H, H) -> (B, outputs)."""
    side, leaky = heatmap_px // 8, nn.LeakyReLU(0.2)
    return nn.Sequential(
        nn.Conv2d(len(HEATMAP_JOINTS), 64, 4, stride=2, padding=1), leaky,
        nn.Conv2d(64, 128, 4, stride=2, padding=1), leaky,
        nn.Conv2d(128, 512, 4, stride=2, padding=1), leaky,
        nn.Flatten(),
        nn.Linear(512 * side * side, 2048), leaky,
        nn.Linear(2048, 512), leaky,
        nn.Linear(512, outputs),
    )  # fmt: skip


@torch.no_grad()
def set_first_prediction(last_layer: nn.Module, values: torch.Tensor) -> None:
    """Set the weights of `last_layer` to zero and its bias to `values`, which then are its output
    for every input.

    `values` has any shape with as many numbers as the layer has outputs. Training then begins at
    the mean pose; otherwise it would begin at the neck, half a metre away from most joints.
    """
    last_layer.get_parameter("weight").zero_()
    last_layer.get_parameter("bias").copy_(values.flatten())


def he_initialisation(layer: nn.Module) -> None:
    """He initialisation for LeakyReLU 0.2.

    PyTorch's default initialisation shrinks the signal at every layer: after ten layers the latent
    hardly depends on the heatmaps, and training begins with a plateau.
    """
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, a=0.2, nonlinearity="leaky_relu")
        nn.init.zeros_(layer.get_parameter("bias"))


def _dense(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(dropout)
    )
