"""What our own model learns from, beside the distance of its joints, in metres; means over the batch."""

import math

import torch

# Our own model's loss: the mean distance of the joints, in the camera frame and from the neck, that of
# the rays, and with these weights the divergence of the maps and the spread's.
OURS_DIVERGENCE = 0.05
OURS_SPREAD = 0.01


def ray_loss(rays, joints_m, in_view):
    """Mean distance of rays (B, J, 3), not longer than 1, from the unit rays to joints (B, J, 3) in
    the camera frame, of those in_view (B, J): the others are elsewhere, and have no ray -> scalar; about
    radians."""
    distances = (rays - torch.nn.functional.normalize(joints_m, dim=-1)).norm(dim=-1)
    return (distances * in_view).sum() / in_view.sum().clamp(min=1)


def divergence(scores, heatmaps, sigma_px):
    """How far the softmax of scores (B, J, C + 1) is from where the joints are (Kullback and Leibler),
    mean over joints -> scalar. heatmaps (B, J, H, H): Gaussians of peak 1 with sigma_px; what of one
    lies outside the picture is "elsewhere", the last score."""
    cells = heatmaps.flatten(2) / (2 * math.pi * sigma_px**2)
    inside = cells.sum(-1, keepdim=True).clamp(min=1)  # a narrow one summed over cells can exceed 1
    target = torch.cat([cells / inside, (1 - cells.sum(-1, keepdim=True)).clamp(min=0)], -1)
    terms = torch.nn.functional.kl_div(scores.log_softmax(-1), target, reduction="none")
    return terms.sum(-1).mean()


def spread_loss(spread_m, errors_m):
    """How well errors (B, J) are foreseen: the negative logarithm of a density that falls
    exponentially with the distance in space, whose mean is spread_m (B, J) -> scalar, up to a
    constant. The errors get no gradient: a joint is not given up because it is hard."""
    return 3 * (errors_m.detach() / spread_m + spread_m.log()).mean()
