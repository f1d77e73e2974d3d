"""One function per equation of the paper (Tome et al., ICCV 2019, section 4.3), and the losses of
the ray model; in metres.

Every term is a mean over the batch. Each docstring says what the paper leaves open.
"""

import math

import torch
from torch import Tensor

from egolib.skeleton import JOINTS, LIMBS

# Published weights: pose, cosine similarity of limbs, limb length, heatmap reconstruction.
LAMBDA_POSE = 0.1
LAMBDA_COSINE = -0.01
LAMBDA_LENGTH = 0.5
LAMBDA_HEATMAP = 0.001
# SelfPose's weight of the rotations could not be read: at 20 degrees of error this one makes them
# count about a fifth of the pose.
LAMBDA_ROTATION = 0.01
# The ray model's loss: the mean distance of the joints, in the camera frame and from the neck, that of
# the rays, and with these weights the divergence of the maps and that of the expected error.
DIVERGENCE_WEIGHT = 0.05
EXPECTED_ERROR_WEIGHT = 0.01

_LIMB_STARTS = [JOINTS.index(start) for start, _ in LIMBS]
_LIMB_ENDS = [JOINTS.index(end) for _, end in LIMBS]


def heatmap_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Stage 1: mean squared error over pixels; (B, J, H, H) each -> scalar."""
    return torch.nn.functional.mse_loss(predicted, target)


def pose_loss(predicted_rel_m: Tensor, target_m: Tensor) -> Tensor:
    """|P - P'|: mean distance of the joints, not squared (as the public re-implementations
    train it; squared metres would vanish beside the limb terms); (B, 16, 3) each -> scalar."""
    return (predicted_rel_m - target_m).norm(dim=-1).mean()


def limbs(pose_m: Tensor, terms: str = "bones") -> Tensor:
    """What the limb terms compare, of a pose (B, 16, 3) -> (B, 14, 3): the 14 limbs as vectors from
    parent to child ("bones"), or their ends as vectors from the neck ("joints"), which is how some
    of the public re-implementations read the paper."""
    ends = pose_m[:, _LIMB_ENDS]
    return ends if terms == "joints" else ends - pose_m[:, _LIMB_STARTS]


def limb_cosine(predicted_rel_m: Tensor, target_m: Tensor, terms: str = "bones") -> Tensor:
    """theta(P, P'): cosine similarity of predicted and true limbs, summed over limbs -> scalar."""
    pair = [limbs(pose, terms) for pose in (predicted_rel_m, target_m)]
    return torch.nn.functional.cosine_similarity(*pair, dim=-1).sum(-1).mean()


def limb_length(predicted_rel_m: Tensor, target_m: Tensor, terms: str = "bones") -> Tensor:
    """L(P, P'): difference of predicted and true limb lengths, summed over limbs -> scalar."""
    lengths = [limbs(pose, terms).norm(dim=-1) for pose in (predicted_rel_m, target_m)]
    return (lengths[0] - lengths[1]).abs().sum(-1).mean()


def reconstruction_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """|HM - HM'|^2: squared error summed over the pixels of all maps of an image -> scalar.

    A sum, not a mean over pixels: with its published weight a mean is too small to be felt.
    """
    return (predicted - target).pow(2).flatten(1).sum(-1).mean()


def rotation_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """SelfPose's rotation term: squared difference of rotation matrices (B, 16, 3, 3), summed over
    their entries, mean over joints -> scalar."""
    return (predicted - target).pow(2).sum((-2, -1)).mean()


def lifter_loss(
    pose_m: Tensor, target_m: Tensor, reconstruction: Tensor | None = None,
    heatmaps: Tensor | None = None, terms: str = "bones",
) -> Tensor:  # fmt: skip
    """lambda_p (|P - P'| + R) + lambda_hm |HM - HM'|^2, R the two limb terms with their weights.

    The reconstruction term is left out when there is no heatmap branch (reconstruction None).
    `terms` as in `limbs`. Returns a scalar.
    """
    regulariser = LAMBDA_COSINE * limb_cosine(pose_m, target_m, terms)
    regulariser = regulariser + LAMBDA_LENGTH * limb_length(pose_m, target_m, terms)
    total = LAMBDA_POSE * (pose_loss(pose_m, target_m) + regulariser)
    if reconstruction is not None:
        assert heatmaps is not None, "no heatmaps to compare the reconstruction with"
        total = total + LAMBDA_HEATMAP * reconstruction_loss(reconstruction, heatmaps)
    return total


def ray_loss(rays: Tensor, joints_m: Tensor, in_view: Tensor) -> Tensor:
    """Mean distance of rays (B, J, 3), not longer than 1, from the unit rays to joints (B, J, 3) in
    the camera frame, of those in_view (B, J): the others are elsewhere, and have no ray -> scalar; about
    radians."""
    distances = (rays - torch.nn.functional.normalize(joints_m, dim=-1)).norm(dim=-1)
    return (distances * in_view).sum() / in_view.sum().clamp(min=1)


def heatmap_divergence(scores: Tensor, heatmaps: Tensor, sigma_px: float) -> Tensor:
    """How far the softmax of scores (B, J, C + 1) is from where the joints are (Kullback and Leibler),
    mean over joints -> scalar. heatmaps (B, J, H, H): Gaussians of peak 1 with sigma_px; what of one
    lies outside the image is "elsewhere", the last score."""
    cells = heatmaps.flatten(2) / (2 * math.pi * sigma_px**2)
    inside = cells.sum(-1, keepdim=True).clamp(min=1)  # a narrow one summed over cells can exceed 1
    target = torch.cat([cells / inside, (1 - cells.sum(-1, keepdim=True)).clamp(min=0)], -1)
    terms = torch.nn.functional.kl_div(scores.log_softmax(-1), target, reduction="none")
    return terms.sum(-1).mean()


def expected_error_loss(expected_error_m: Tensor, errors_m: Tensor) -> Tensor:
    """How well errors (B, J) are foreseen: the negative logarithm of a density that falls
    exponentially with the distance in space, whose mean is expected_error_m (B, J) -> scalar, up to a
    constant. The errors get no gradient: a joint is not given up because it is hard."""
    return 3 * (errors_m.detach() / expected_error_m + expected_error_m.log()).mean()
