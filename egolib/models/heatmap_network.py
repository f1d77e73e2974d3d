"""Stage 1 of Tome et al., ICCV 2019 (section 4.1): image -> 15 heatmaps."""

import math

import torch
from torch import nn

from egolib.foundation.errors import EgolibError
from egolib.models.backbone import BACKBONE_CHANNELS, resnet_backbone
from egolib.models.output import NetworkOutput
from egolib.skeleton import HEATMAP_JOINTS


def heatmap_side(image_px: int) -> int:
    """Side H of the heatmaps for images of side S: 48 for 368, as in the public re-implementations
    (the paper prints 47). Raises EgolibError unless H is a multiple of 8: the lifter halves it three
    times."""
    side = 4 * math.ceil(image_px / 32)
    if side % 8:
        raise EgolibError(
            f"image_px = {image_px} gives heatmaps of {side}; choose 64, 128, ..., 368"
        )
    return side


class HeatmapNetwork(nn.Module):
    """A ResNet backbone and two deconvolutions. Raises EgolibError as `resnet_backbone` does."""

    def __init__(self, backbone: str = "resnet18", pretrained: bool = False):
        super().__init__()
        self.backbone = resnet_backbone(backbone, pretrained)
        channels = BACKBONE_CHANNELS[backbone][-1]
        self.deconvolutions = nn.Sequential(*_upsample(channels, 256), *_upsample(256, 256))
        self.head = nn.Conv2d(256, len(HEATMAP_JOINTS), kernel_size=1)
        # Targets are zero almost everywhere: starting near zero spares the first epoch.
        nn.init.normal_(self.head.weight, std=1e-3)
        nn.init.zeros_(self.head.get_parameter("bias"))

    def forward(self, images: torch.Tensor) -> NetworkOutput:
        """images (B, 3, S, S) in [-1, 1] -> heatmaps (B, 15, H, H)"""
        return NetworkOutput(heatmaps=self.head(self.deconvolutions(self.backbone(images))))


def _upsample(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
    return (
        nn.ConvTranspose2d(channels_in, channels_out, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )
