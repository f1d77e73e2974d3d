"""Rotations of joints, as the rotation branch learns them: matrices, batched, on any device.

The truth is `joints[].rot` of the label files. Its unit, order and frame are not documented: it is
taken as radians, static xyz, relative to the parent in the bind frame, which holds on the miniature
and is unverified on the official data.
"""

import torch
from torch import Tensor


def matrices_from_euler(radians: Tensor) -> Tensor:
    """Static xyz angles (..., 3): about x, then y, then z of axes that stay -> (..., 3, 3)."""
    (cx, cy, cz), (sx, sy, sz) = radians.cos().unbind(-1), radians.sin().unbind(-1)
    rows = (
        cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz,
        cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz,
        -sy, sx * cy, cx * cy,
    )  # fmt: skip
    return torch.stack(rows, -1).unflatten(-1, (3, 3))


def matrices_from_6d(values: Tensor) -> Tensor:
    """(..., 6) -> rotation matrices (..., 3, 3): the numbers are two columns, made orthonormal by
    Gram-Schmidt; the third is their cross product (Zhou et al., CVPR 2019)."""
    first, second = values.float().unflatten(-1, (2, 3)).unbind(-2)
    x = torch.nn.functional.normalize(first, dim=-1)
    y = torch.nn.functional.normalize(second - (x * second).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], -1)


def geodesic_degrees(one: Tensor, other: Tensor) -> Tensor:
    """Angle of the rotation between two rotation matrices (..., 3, 3) -> degrees (...), 0 to 180."""
    # |R - R'| = 2 sqrt(2) sin(angle / 2), which keeps its digits at small angles.
    chord = (one - other).flatten(-2).norm(dim=-1) / 8**0.5
    return torch.rad2deg(2 * chord.clamp(max=1).asin())
