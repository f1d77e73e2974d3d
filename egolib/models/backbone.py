"""ResNets of torchvision (He et al., CVPR 2016), from the image to the last feature map."""

import torch
import torchvision
from torch import nn

from egolib.foundation.errors import EgolibError

# Channels of the four stages.
BACKBONE_CHANNELS = {
    "resnet18": (64, 128, 256, 512),
    "resnet50": (256, 512, 1024, 2048),
    "resnet101": (256, 512, 1024, 2048),
}


def resnet_backbone(name: str, pretrained: bool = False) -> nn.Sequential:
    """The layers of a ResNet before its pooling: (B, 3, S, S) -> (B, C, S / 32, S / 32).

    `pretrained` starts from ImageNet. Raises EgolibError for an unknown name, and when the ImageNet
    weights cannot be fetched.
    """
    if name not in BACKBONE_CHANNELS:
        raise EgolibError(f"unknown backbone {name!r}; known: {', '.join(BACKBONE_CHANNELS)}")
    resnet = _imagenet(name) if pretrained else getattr(torchvision.models, name)()
    return nn.Sequential(*list(resnet.children())[:-2])


def _imagenet(name: str) -> nn.Module:
    try:
        return getattr(torchvision.models, name)(weights="DEFAULT")
    except OSError as error:
        raise EgolibError(
            f"the ImageNet weights of {name} cannot be fetched ({error}); put them into "
            f"{torch.hub.get_dir()}/checkpoints, or set pretrained = false below [heatmaps]"
        ) from error
