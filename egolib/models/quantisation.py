"""Large weights in 8 bits for storage, and back: a network in a quarter of its size. Computing stays
in float32; for int8 arithmetic see headset.deploy.exporting."""

import torch
from torch import Tensor

_LARGE = 2**15  # numbers; smaller tensors cost no space, and the last ones decide the pose
_LEVELS = 127
_SCALES = ".scales"


def quantised(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """{name: tensor} -> the same with each large floating-point one as int8, and beside it the
    float32 scale of each slice of its first axis, which it is to be multiplied by."""
    stored = {}
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or tensor.dim() < 2 or tensor.numel() < _LARGE:
            stored[name] = tensor
            continue
        scales = tensor.float().flatten(1).abs().amax(1).clamp(min=1e-12) / _LEVELS
        stored[name] = (tensor / _along(scales, tensor)).round().to(torch.int8)
        stored[name + _SCALES] = scales
    return stored


def restored(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """What `quantised` returned -> {name: tensor}, nothing in int8. Tensors that never were pass.

    Raises ValueError when the scales of a tensor are missing or of another length.
    """
    small = {name for name, tensor in stored.items() if tensor.dtype == torch.int8}
    tensors = {
        name: tensor for name, tensor in stored.items() if name.removesuffix(_SCALES) not in small
    }
    for name in small:
        scales = stored.get(name + _SCALES)
        if scales is None or scales.shape != stored[name].shape[:1]:
            raise ValueError(f"no scales that fit {name}")
        tensors[name] = stored[name] * _along(scales, stored[name])
    return tensors


def _along(scales: Tensor, tensor: Tensor) -> Tensor:
    """Scales (N,) shaped to multiply a tensor (N, ...)."""
    return scales.view(-1, *[1] * (tensor.dim() - 1))
