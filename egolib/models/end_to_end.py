"""Stage 3 of Tome et al., ICCV 2019 (section 4.3): both networks as one, image -> heatmaps -> pose."""

import dataclasses

import torch
from torch import nn

from egolib.models.output import NetworkOutput


class EndToEndNetwork(nn.Module):
    """A heatmap network and a lifter in a row."""

    def __init__(self, heatmap_network: nn.Module, lifter: nn.Module):
        super().__init__()
        self.heatmap_network = heatmap_network
        self.lifter = lifter

    def forward(self, images: torch.Tensor) -> NetworkOutput:
        """images (B, 3, S, S) in [-1, 1] -> heatmaps (B, 15, H, H), and what the lifter gives"""
        heatmaps = self.heatmap_network(images).heatmaps
        output: NetworkOutput = self.lifter(heatmaps)
        return dataclasses.replace(output, heatmaps=heatmaps)
