"""Transposed convolutions as ordinary ones: the same numbers, in a form that runtimes run in int8."""

import copy
import itertools

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

_TAPS = torch.tensor([[3, 1], [2, 0]])  # of the kernel, that reach a block's first and second row


class BlockConv(nn.Module):
    """What an nn.ConvTranspose2d of kernel 4, stride 2 and padding 1 computes: a convolution of kernel
    2 whose channels are the four places of each 2x2 block of the larger image."""

    def __init__(self, layer):
        super().__init__()
        inputs, self.outputs = layer.weight.shape[:2]
        self.convolution = nn.Conv2d(inputs, 4 * self.outputs, 2, padding=1)
        weight = layer.weight[:, :, _TAPS][..., _TAPS]  # in, out, row of block, tap, column, tap
        weight = weight.permute(2, 4, 1, 0, 3, 5).flatten(0, 2)
        bias = torch.zeros(self.outputs) if layer.bias is None else layer.bias
        self.convolution.load_state_dict({"weight": weight, "bias": bias.repeat(4)})

    def forward(self, features):
        """features (B, C, H, W) -> (B, C', 2 H, 2 W)"""
        height, width = features.shape[-2:]
        places = self.convolution(features).split(self.outputs, 1)  # each (B, C', H + 1, W + 1)
        places = [
            place[..., i // 2 : i // 2 + height, i % 2 : i % 2 + width]
            for i, place in enumerate(places)
        ]
        return nn.functional.pixel_shuffle(torch.stack(places, 2).flatten(1, 2), 2)


def without_transposed(network):
    """A copy of a network in eval mode with a BlockConv, batch norm included, in the place of each
    transposed convolution."""
    network = copy.deepcopy(network)
    for sequence in [each for each in network.modules() if isinstance(each, nn.Sequential)]:
        for i, (layer, after) in enumerate(itertools.pairwise([*sequence, None])):
            if isinstance(layer, nn.ConvTranspose2d):
                if isinstance(after, nn.BatchNorm2d):
                    layer = fuse_conv_bn_eval(layer, after, transpose=True)
                    sequence[i + 1] = nn.Identity()
                sequence[i] = BlockConv(layer)
    return network
