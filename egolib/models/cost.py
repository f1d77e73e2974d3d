"""What a network costs: parameters, arithmetic, and milliseconds an image on this machine."""

import functools
import time
from collections.abc import Sequence

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from egolib.config import LIFTER_METHODS, PROFILES, Method, Stage, override
from egolib.models.checkpoints import NetworkSpec, build_network, spec_of
from egolib.skeleton import HEATMAP_JOINTS


def example_input(spec: NetworkSpec) -> torch.Tensor:
    """An input of one image for a network of `spec` (checkpoints.NetworkSpec), all zero."""
    if spec.kind == Stage.LIFTER:
        return torch.zeros(1, len(HEATMAP_JOINTS), spec.heatmap_px, spec.heatmap_px)
    return torch.zeros(1, 3, spec.image_px, spec.image_px)


@functools.cache
@torch.no_grad()
def gflops(spec: NetworkSpec) -> float:
    """Billions of floating-point operations for one image, a multiplication and an addition
    counted as two; convolutions and matrix products only, as PyTorch counts them."""
    with torch.device("meta"):
        network, image = build_network(spec).eval(), example_input(spec)
    with FlopCounterMode(display=False) as counter:
        network(image)
    return counter.get_total_flops() / 1e9


@functools.cache
def parameters_m(spec: NetworkSpec) -> float:
    """Millions of parameters."""
    with torch.device("meta"):
        return sum(p.numel() for p in build_network(spec).parameters()) / 1e6


@torch.inference_mode()
def ms_per_image(spec: NetworkSpec, repeats: int = 20) -> float:
    """Median milliseconds for one image alone (batch of 1, fp32, the CPU's threads as they are
    set), after three runs to warm up."""
    network, image = build_network(spec).eval(), example_input(spec)
    network, times = network.to(memory_format=torch.channels_last), []
    image = image.contiguous(memory_format=torch.channels_last)
    for _ in range(repeats + 3):
        started = time.perf_counter()
        network(image)
        times.append(time.perf_counter() - started)
    return 1000 * sorted(times[3:])[repeats // 2]


def cost_of(spec: NetworkSpec, repeats: int = 20) -> dict[str, float]:
    """The cost of one image -> {"parameters (M)", "GFLOPs", "ms an image"}."""
    return {
        "parameters (M)": parameters_m(spec),
        "GFLOPs": gflops(spec),
        "ms an image": ms_per_image(spec, repeats),
    }


def full_size_costs(
    backbones: Sequence[str] = ("resnet50", "resnet101"), repeats: int = 9
) -> pd.DataFrame:
    """The cost of the methods at the paper's size, 368 px, from image to pose -> DataFrame, a row a
    method and backbone; milliseconds as in `ms_per_image`. No error: none was measured at this size."""
    rows = {}
    for backbone in backbones:
        for name in (*LIFTER_METHODS, Method.RAY_MODEL):
            is_lifter = name != Method.RAY_MODEL
            lifter = {"lifter": {"method": str(name)}} if is_lifter else {}
            changes = {"heatmaps": {"backbone": backbone}, **lifter}
            profile = override(PROFILES["paper"], changes, "full size")
            spec = spec_of(Stage.END_TO_END if is_lifter else Stage.RAY_MODEL, profile)
            rows[f"{name}, {backbone}"] = cost_of(spec, repeats)
    return pd.DataFrame(rows).T
