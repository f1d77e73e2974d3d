"""HeatmapNet -> PoseLifter -> EgoPose: the system of Tome et al., ICCV 2019, section 4.

B batch, S picture side, J = 15 heatmap joints, H heatmap side, 16 pose joints.
"""

import math

import torch
import torchvision
from torch import nn

from egolib.errors import EgolibError
from egolib.skeleton import HEATMAP_JOINTS, JOINTS

BACKBONES = {"resnet18": 512, "resnet50": 2048, "resnet101": 2048}


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
        if backbone not in BACKBONES:
            raise EgolibError(f"unknown backbone {backbone!r}; known: {', '.join(BACKBONES)}")
        resnet = _imagenet(backbone) if pretrained else getattr(torchvision.models, backbone)()
        self.trunk = nn.Sequential(*list(resnet.children())[:-2])
        self.deconvolutions = nn.Sequential(
            *_upsample(BACKBONES[backbone], 256),
            *_upsample(256, 256),
        )
        self.head = nn.Conv2d(256, len(HEATMAP_JOINTS), kernel_size=1)
        # Targets are zero almost everywhere: starting near zero spares the first epoch.
        nn.init.normal_(self.head.weight, std=1e-3)
        nn.init.zeros_(self.head.bias)

    def forward(self, images):
        """images (B, 3, S, S) in [-1, 1] -> heatmaps (B, 15, H, H)"""
        return self.head(self.deconvolutions(self.trunk(images)))


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


class PoseLifter(nn.Module):
    """Stage 2 (section 4.2): heatmaps -> a small latent -> pose, and heatmaps again.

    The heatmap branch makes the latent keep the uncertainty of the 2D maps; `heatmap_branch =
    False` is the paper's single-branch variant. Unlike the public re-implementations, the pose
    branch has activations; without them (`pose_activations = False`) its three layers are one.
    """

    def __init__(self, heatmap_px, latent_size=20, heatmap_branch=True, pose_activations=True):
        super().__init__()
        joints, side = len(HEATMAP_JOINTS), heatmap_px // 8
        flat = 512 * side * side
        leaky = nn.LeakyReLU(0.2)
        self.encoder = nn.Sequential(
            nn.Conv2d(joints, 64, 4, stride=2, padding=1), leaky,
            nn.Conv2d(64, 128, 4, stride=2, padding=1), leaky,
            nn.Conv2d(128, 512, 4, stride=2, padding=1), leaky,
            nn.Flatten(),
            nn.Linear(flat, 2048), leaky,
            nn.Linear(2048, 512), leaky,
            nn.Linear(512, latent_size),
        )  # fmt: skip
        between = leaky if pose_activations else nn.Identity()
        self.pose_branch = nn.Sequential(
            nn.Linear(latent_size, 32), between,
            nn.Linear(32, 32), between,
            nn.Linear(32, len(JOINTS) * 3),
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
        self.apply(_keep_variance)
        # The first guess is one pose for all: the branch's last layer starts at zero.
        nn.init.zeros_(self.pose_branch[-1].weight)

    @torch.no_grad()
    def start_at(self, pose_m):
        """Make `pose_m` (16, 3) the first guess for every picture. Training then begins at the
        spread of poses instead of at the neck, half a metre away from most joints."""
        self.pose_branch[-1].bias.copy_(pose_m.flatten())

    def forward(self, heatmaps):
        """heatmaps (B, 15, H, H) -> pose (B, 16, 3) metres from the neck, heatmaps again or None"""
        latent = self.encoder(heatmaps)
        pose_m = self.pose_branch(latent).unflatten(1, (len(JOINTS), 3))
        return pose_m, self.heatmap_branch(latent) if self.heatmap_branch else None


def _keep_variance(layer):
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
        """images (B, 3, S, S) -> heatmaps (B, 15, H, H), pose (B, 16, 3) m, heatmaps again or None"""
        heatmaps = self.heatmap_net(images)
        return heatmaps, *self.lifter(heatmaps)
