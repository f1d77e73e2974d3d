"""Training images a second in fp32 and bf16, in one process; and frames rendered a second, start
of the rendering processes and building of the bodies included."""

import tempfile
import time
from pathlib import Path

import torch

from egolib.config import PROFILES, RenderConfig
from egolib.losses import heatmap_loss
from egolib.models.heatmap_network import HeatmapNetwork, heatmap_side
from egolib.models.heatmaps import draw_heatmaps
from egolib.training.fit import training_precision
from egosynth import planned_sequences, render_tree


def frames_per_second():
    """The quick profile's scale, one character a split; Anny's and Warp's caches are warm."""
    config = RenderConfig(characters=1)
    with tempfile.TemporaryDirectory() as folder:
        render_tree(Path(folder) / "warm", RenderConfig(scale=0.1, characters=1, train_frames=1,
                                                        val_frames=1, test_frames=1), seed=0)  # fmt: skip
        started = time.perf_counter()
        render_tree(Path(folder) / "tree", config, seed=0)
        seconds = time.perf_counter() - started
    return sum(sequence.frames for sequence in planned_sequences(config)) / seconds


def images_per_second(bf16, steps=6):
    """One step of stage 1 at the quick profile's sizes: forward, loss, backward, Adam."""
    config = PROFILES["quick"].heatmaps
    network = HeatmapNetwork(config.backbone).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    side = heatmap_side(config.image_px)
    images = torch.rand(config.batch_size, 3, config.image_px, config.image_px)
    images = images.to(memory_format=torch.channels_last)
    joints = config.image_px * torch.rand(config.batch_size, 15, 2)
    visible = torch.ones(config.batch_size, 15, dtype=torch.bool)
    for step in range(steps + 2):
        if step == 2:
            started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            predicted = network(images).float()
        target = draw_heatmaps(joints, visible, config.image_px, side, config.sigma_px)
        optimizer.zero_grad()
        heatmap_loss(predicted, target).backward()
        optimizer.step()
    return steps * config.batch_size / (time.perf_counter() - started)


def main():
    print(f"training would use {training_precision()} here")
    print(f"fp32: {images_per_second(False):.1f} images/s")
    print(f"bf16: {images_per_second(True):.1f} images/s")
    print(f"rendering at the quick profile's scale: {frames_per_second():.1f} frames/s")


if __name__ == "__main__":
    main()
