"""A small network from image to pose, untrained, for tests of what runs and exports networks."""

import torch

from egolib.models.checkpoints import NetworkSpec, build_network

SPEC = NetworkSpec(kind="end_to_end", backbone="resnet18", image_px=64, sigma_px=1.0)


def toy_network():
    torch.manual_seed(0)
    network = build_network(SPEC)
    torch.nn.init.normal_(network.heatmap_network.head.weight, std=1.0)  # peaks away from zero
    return network.eval()
