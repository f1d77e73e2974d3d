"""Joints <-> heatmaps, batched, on whatever device the joints are on.

A heatmap of side H over a picture of side S: picture pixel u lies at (u + 0.5) H / S - 0.5.
"""

import torch


def draw_heatmaps(joints_px, in_front, image_px, heatmap_px, sigma_px):
    """Gaussians of peak 1 (section 4.1 of the paper; sigma is not published).

    joints_px: (B, J, 2) in picture pixels. in_front: bool (B, J); where False the map is empty.
    sigma_px: in heatmap pixels. Returns float32 (B, J, heatmap_px, heatmap_px).
    """
    centres = (joints_px + 0.5) * (heatmap_px / image_px) - 0.5
    grid = torch.arange(heatmap_px, device=joints_px.device, dtype=joints_px.dtype)
    across = torch.exp(-((grid - centres[..., :1]) ** 2) / (2 * sigma_px**2))
    down = torch.exp(-((grid - centres[..., 1:]) ** 2) / (2 * sigma_px**2))
    return down[..., :, None] * across[..., None, :] * in_front[..., None, None]


def find_peaks(heatmaps, image_px):
    """Heatmaps (B, J, H, H) -> (pixels (B, J, 2) of a picture of side image_px, peaks (B, J)).

    The pixel is the centre of mass of the 3x3 neighbourhood of the highest value; the peak is
    that value, the confidence of the joint (1 for a perfect Gaussian, 0 for nothing).
    """
    batch, joints, height, width = heatmaps.shape
    maps = heatmaps.float()
    peaks, flat = maps.flatten(2).max(-1)
    row, column = flat // width, flat % width
    offsets = torch.tensor([-1, 0, 1], device=maps.device)
    rows, columns = row[..., None] + offsets, column[..., None] + offsets
    padded = torch.nn.functional.pad(maps, (1, 1, 1, 1)).clamp(min=0)
    b = torch.arange(batch, device=maps.device)[:, None, None, None]
    j = torch.arange(joints, device=maps.device)[None, :, None, None]
    patch = padded[b, j, rows[..., :, None] + 1, columns[..., None, :] + 1]
    mass = patch.sum((-2, -1)).clamp(min=1e-9)
    u = column + (patch.sum(-2) * offsets).sum(-1) / mass
    v = row + (patch.sum(-1) * offsets).sum(-1) / mass
    centres = torch.stack([u, v], -1)
    return (centres + 0.5) * (image_px / height) - 0.5, peaks
