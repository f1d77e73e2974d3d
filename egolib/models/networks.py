"""HeatmapNet -> PoseLifter -> EgoPose: the system of Tome et al., ICCV 2019, section 4.

B batch, S picture side, J = 15 heatmap joints, H heatmap side, 16 pose joints.
"""

import math
from typing import NamedTuple

import torch
import torchvision
from torch import nn

from egolib.data.index import NECK
from egolib.foundation.errors import EgolibError
from egolib.models.rotations import matrices_from_6d
from egolib.skeleton import HEATMAP_JOINTS, JOINTS

# Channels of the trunk's four stages.
TRUNK_CHANNELS = {
    "resnet18": (64, 128, 256, 512),
    "resnet50": (256, 512, 1024, 2048),
    "resnet101": (256, 512, 1024, 2048),
}


def heatmap_side(image_px):
    """Side H of the heatmaps for pictures of side S: 48 for 368, as the forks have it (the paper
    prints 47). Raises EgolibError unless H is a multiple of 8, which the lifter halves thrice."""
    side = 4 * math.ceil(image_px / 32)
    if side % 8:
        raise EgolibError(
            f"image_px = {image_px} gives heatmaps of {side}; choose 64, 128, ..., 368"
        )
    return side


class HeatmapNet(nn.Module):
    """Stage 1 (section 4.1): a ResNet trunk and two deconvolutions, picture -> 15 heatmaps.

    Raises EgolibError for an unknown backbone, or when `pretrained` weights cannot be fetched.
    """

    def __init__(self, backbone="resnet18", pretrained=False):
        super().__init__()
        self.trunk = resnet_trunk(backbone, pretrained)
        deep = TRUNK_CHANNELS[backbone][-1]
        self.deconvolutions = nn.Sequential(*_upsample(deep, 256), *_upsample(256, 256))
        self.head = nn.Conv2d(256, len(HEATMAP_JOINTS), kernel_size=1)
        # Targets are zero almost everywhere: starting near zero spares the first epoch.
        nn.init.normal_(self.head.weight, std=1e-3)
        nn.init.zeros_(self.head.bias)

    def forward(self, images):
        """images (B, 3, S, S) in [-1, 1] -> heatmaps (B, 15, H, H)"""
        return self.head(self.deconvolutions(self.trunk(images)))


def resnet_trunk(backbone, pretrained=False):
    """The layers of a ResNet before its pooling. Raises EgolibError for an unknown backbone, and when
    `pretrained` weights cannot be had."""
    if backbone not in TRUNK_CHANNELS:
        raise EgolibError(f"unknown backbone {backbone!r}; known: {', '.join(TRUNK_CHANNELS)}")
    resnet = _imagenet(backbone) if pretrained else getattr(torchvision.models, backbone)()
    return nn.Sequential(*list(resnet.children())[:-2])


def _imagenet(backbone):
    try:
        return getattr(torchvision.models, backbone)(weights="DEFAULT")
    except OSError as error:
        raise EgolibError(
            f"the ImageNet weights of {backbone} cannot be fetched ({error}); put them into "
            f"{torch.hub.get_dir()}/checkpoints, or set pretrained = false below [heatmaps]"
        ) from error


def _upsample(channels_in, channels_out):
    return (
        nn.ConvTranspose2d(channels_in, channels_out, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


class Lifted(NamedTuple):
    """What a lifter returns: pose_m (B, 16, 3) metres from the neck; from those that have the
    branch, the heatmaps again (B, 15, H, H) and joint rotations (B, 16, 3, 3), else None.

    Our own model's also hold camera_m (B, 16, 3), the same pose in the camera frame; spread_m (B, 16),
    the error that each joint expects; rays (B, 16, 3), where it sees them; and scores (B, 15, C + 1),
    of the cells of its maps and of "elsewhere", of whose softmax the heatmaps are made.
    """

    pose_m: torch.Tensor
    reconstruction: torch.Tensor | None = None
    rotations: torch.Tensor | None = None
    camera_m: torch.Tensor | None = None
    spread_m: torch.Tensor | None = None
    rays: torch.Tensor | None = None
    scores: torch.Tensor | None = None

    @property
    def neck_m(self):
        """The neck in the camera frame (B, 3), of a network that places it; else None."""
        return None if self.camera_m is None else self.camera_m[:, NECK]


def encoder(heatmap_px, outputs):
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


class PoseLifter(nn.Module):
    """Stage 2 (section 4.2): heatmaps -> a small latent -> pose, and heatmaps again.

    The heatmap branch makes the latent keep the uncertainty of the 2D maps; `heatmap_branch =
    False` is the paper's single-branch variant. `rotation_branch` adds that of SelfPose (Tome et
    al., TPAMI 2020): rotations of the 16 joints, as 6D (rotations.py); its width is our choice.
    Unlike the public re-implementations, the pose branch has activations; without them its three
    layers are one.
    """

    def __init__(
        self,
        heatmap_px,
        latent_size=20,
        heatmap_branch=True,
        pose_activations=True,
        rotation_branch=False,
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
        self.apply(keep_variance)
        if rotation_branch:  # the first guess is the pose of the bind frame: no joint is turned
            last = self.rotation_branch[-2]
            nn.init.zeros_(last.weight)
            last.bias.data = torch.eye(3)[:2].flatten().repeat(len(JOINTS))

    def start_at(self, pose_m):
        """Make `pose_m` (16, 3) the first guess for every picture."""
        guess_first(self.pose_branch[-1], pose_m)

    def forward(self, heatmaps):
        """heatmaps (B, 15, H, H) -> Lifted"""
        latent = self.encoder(heatmaps)
        return Lifted(
            self.pose_branch(latent).unflatten(1, (len(JOINTS), 3)),
            self.heatmap_branch(latent) if self.heatmap_branch else None,
            matrices_from_6d(self.rotation_branch(latent)) if self.rotation_branch else None,
        )


@torch.no_grad()
def guess_first(last_layer, pose_m):
    """Make `pose_m`, of any shape, what a Linear to as many numbers says whatever its input. Training
    then begins at the spread of poses instead of at the neck, half a metre away from most joints."""
    last_layer.weight.zero_()
    last_layer.bias.copy_(pose_m.flatten())


def keep_variance(layer):
    """He initialisation for LeakyReLU 0.2. PyTorch's default shrinks the signal at every layer;
    after ten of them the latent hardly depends on the heatmaps, and training begins with a
    plateau."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, a=0.2, nonlinearity="leaky_relu")
        nn.init.zeros_(layer.bias)


class EgoPose(nn.Module):
    """Both stages in one: picture -> heatmaps -> pose."""

    def __init__(self, heatmap_net, lifter):
        super().__init__()
        self.heatmap_net = heatmap_net
        self.lifter = lifter

    def forward(self, images):
        """images (B, 3, S, S) -> heatmaps (B, 15, H, H), and the first three parts of a Lifted"""
        heatmaps = self.heatmap_net(images)
        return heatmaps, *self.lifter(heatmaps)[:3]
