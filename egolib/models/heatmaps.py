"""Joints <-> heatmaps, batched, on whatever device the joints are on.

A heatmap of side H over an image of side S: image pixel u lies at (u + 0.5) H / S - 0.5.
"""

import torch
from torch import Tensor


def draw_heatmaps(
    joints_px: Tensor, in_front: Tensor, image_px: int, heatmap_px: int, sigma_px: float
) -> Tensor:
    """Gaussians of peak 1 (section 4.1 of the paper; sigma is not published).

    joints_px: (B, J, 2) in image pixels. in_front: bool (B, J); where False the map is empty.
    sigma_px: in heatmap pixels. Returns float32 (B, J, heatmap_px, heatmap_px).
    """
    centres = (joints_px + 0.5) * (heatmap_px / image_px) - 0.5
    grid = torch.arange(heatmap_px, device=joints_px.device, dtype=joints_px.dtype)
    across = torch.exp(-((grid - centres[..., :1]) ** 2) / (2 * sigma_px**2))
    down = torch.exp(-((grid - centres[..., 1:]) ** 2) / (2 * sigma_px**2))
    return down[..., :, None] * across[..., None, :] * in_front[..., None, None]


def find_peaks(heatmaps: Tensor, image_px: int) -> tuple[Tensor, Tensor]:
    """Heatmaps (B, J, H, H) -> (pixels (B, J, 2) of an image of side image_px, peaks (B, J)).

    The pixel is refined between cells by the parabola through the logarithms of the highest value
    and its neighbours, which is exact for a Gaussian. The peak is the confidence of the joint: 1
    for a perfect Gaussian, 0 for nothing.
    """
    batch, joints, height, width = heatmaps.shape
    maps = heatmaps.float()
    peaks, flat = maps.flatten(2).max(-1)
    row, column = flat // width, flat % width
    # Values far below the peak hold no information about its place between two cells.
    floor = (0.01 * peaks).clamp(min=1e-6)[..., None, None]
    logs = torch.nn.functional.pad(maps, (1, 1, 1, 1)).maximum(floor).log()
    b = torch.arange(batch, device=maps.device)[:, None]
    j = torch.arange(joints, device=maps.device)[None, :]

    def refine(before: Tensor, after: Tensor) -> Tensor:
        curvature = (2 * logs[b, j, row + 1, column + 1] - before - after).clamp(min=1e-6)
        return ((after - before) / (2 * curvature)).clamp(-0.5, 0.5)

    u = column + refine(logs[b, j, row + 1, column], logs[b, j, row + 1, column + 2])
    v = row + refine(logs[b, j, row, column + 1], logs[b, j, row + 2, column + 1])
    centres = torch.stack([u, v], -1)
    return (centres + 0.5) * (image_px / height) - 0.5, peaks


def entropy_bits(heatmaps: Tensor) -> Tensor:
    """Heatmaps (B, J, H, H) -> how spread out each is (B, J), in bits: the entropy of its positive
    values as a distribution over cells; 0 for one cell, 2 log2 H for an even map."""
    maps = heatmaps.flatten(2).float().clamp(min=0)
    shares = maps / maps.sum(-1, keepdim=True).clamp(min=1e-12)
    return -(shares * shares.clamp(min=1e-12).log2()).sum(-1)
