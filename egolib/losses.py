"""One function per equation of the paper (Tome et al., ICCV 2019, section 4.3), and the losses of
the ray model. Poses are in metres.

Every term is a mean over the batch. Where the paper leaves a detail open, the docstring says so.
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
# We could not find out the weight of SelfPose's rotation term. With this one, the term is about a
# fifth of the pose term at a rotation error of 20 degrees.
LAMBDA_ROTATION = 0.01
# The ray model's loss is the sum of the pose loss in the camera frame, the pose loss relative to
# the neck, the ray loss and, with these weights, the heatmap divergence and the expected error
# loss.
DIVERGENCE_WEIGHT = 0.05
EXPECTED_ERROR_WEIGHT = 0.01

_LIMB_STARTS = [JOINTS.index(start) for start, _ in LIMBS]
_LIMB_ENDS = [JOINTS.index(end) for _, end in LIMBS]


def heatmap_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Stage 1: mean squared error over pixels; (B, J, H, H) each -> scalar."""
    return torch.nn.functional.mse_loss(predicted, target)


def pose_loss(predicted_rel_m: Tensor, target_m: Tensor) -> Tensor:
    """|P - P'|: mean distance between predicted and true joints; (B, 16, 3) each -> scalar.

    The distance is not squared, as in the public re-implementations: in square metres it would be
    negligible beside the limb terms.
    """
    return (predicted_rel_m - target_m).norm(dim=-1).mean()


def limbs(pose_m: Tensor, terms: str = "bones") -> Tensor:
    """The 14 vectors that the limb terms compare, of a neck-relative pose (B, 16, 3) -> (B, 14, 3).

    With `terms` "bones" they go from the parent joint to the child joint of each limb; with
    "joints" from the neck to the child joint, as some public re-implementations read the paper.
    """
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

    A sum, not a mean over pixels: with the published weight, a mean would have almost no effect.
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

    The heatmap term is left out if `reconstruction` is None (a lifter without heatmap branch).
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
    """Mean distance between predicted rays (B, J, 3), of norm at most 1, and the unit rays to the
    true joints (B, J, 3) in the camera frame -> scalar, about radians.

    Only joints that are in_view (B, J) count: the others have no true ray.
    """
    distances = (rays - torch.nn.functional.normalize(joints_m, dim=-1)).norm(dim=-1)
    return (distances * in_view).sum() / in_view.sum().clamp(min=1)


def heatmap_divergence(scores: Tensor, heatmaps: Tensor, sigma_px: float) -> Tensor:
    """KL divergence of the softmax of scores (B, J, C + 1) from the target distribution, mean over
    joints -> scalar.

    The target is made of heatmaps (B, J, H, H), Gaussians with peak 1 and standard deviation
    sigma_px. The part of a Gaussian outside the image is the target of "elsewhere", the last score.
    """
    cells = heatmaps.flatten(2) / (2 * math.pi * sigma_px**2)
    inside = cells.sum(-1, keepdim=True).clamp(min=1)  # the sum of a narrow Gaussian can exceed 1
    target = torch.cat([cells / inside, (1 - cells.sum(-1, keepdim=True)).clamp(min=0)], -1)
    terms = torch.nn.functional.kl_div(scores.log_softmax(-1), target, reduction="none")
    return terms.sum(-1).mean()


def expected_error_loss(expected_error_m: Tensor, errors_m: Tensor) -> Tensor:
    """Negative log-likelihood of errors_m (B, J), up to a constant -> scalar.

    The density of a joint's position falls exponentially with the 3D distance from the prediction;
    the mean of this distance is expected_error_m (B, J). The errors are detached, so that this loss
    does not weaken the training of the pose on difficult joints.
    """
    return 3 * (errors_m.detach() / expected_error_m + expected_error_m.log()).mean()
