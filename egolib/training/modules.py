"""Lightning modules: the inputs, loss and error that each stage computes from a batch."""

from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn

from egolib import losses
from egolib.camera import inside_square
from egolib.config import StageConfig
from egolib.data.augmentation import jitter_colours, shift_hue, tilt_camera, turn_and_mirror
from egolib.data.dataset import Batch, normalise
from egolib.foundation.errors import EgolibError
from egolib.models.checkpoints import NetworkSpec
from egolib.models.heatmaps import draw_heatmaps, find_peaks
from egolib.models.output import NetworkOutput, required
from egolib.models.rotations import matrices_from_euler
from egolib.skeleton import HEATMAP_JOINT_INDICES


class StageModule(L.LightningModule):
    """Base class of the stages: inputs and targets, optimiser, logged loss and metric.

    `spec` is the NetworkSpec of the network, `config` the stage's section of the profile, and
    `limb_terms` the lifter's setting of that name (see losses.limbs).
    """

    metric = "val_mpjpe_mm"

    def __init__(
        self, network: nn.Module, spec: NetworkSpec, config: StageConfig, seed: int,
        limb_terms: str = "bones",
    ):  # fmt: skip
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.spec, self.config, self.seed, self.limb_terms = spec, config, seed, limb_terms

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = torch.optim.Adam(
            self.network.parameters(), lr=self.config.learning_rate, fused=True
        )
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.config.learning_rate, total_steps=steps, pct_start=0.2
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def inputs(self, batch: Batch, draw: int = 0) -> Batch:
        """A batch of the loader -> inputs and targets of the network, augmented during training.

        "image" (B, 3, S, S), if there is one, is normalised. "heatmaps" (B, 15, H, H) are the
        detected ones if the batch has them, otherwise they are drawn from the true joints on the
        device of the batch. The augmentation depends only on the seed and on the number `draw`.
        """
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + draw)
        if self.training and self.config.augment:
            batch = self.moved(batch, generator)
        changed = {}
        if "image" in batch:
            images = normalise(batch["image"])
            changed["image"] = self.recoloured(images, generator) if self.training else images
        if "heatmaps" in batch:
            heatmaps = batch["heatmaps"].float()
        else:
            spec, drawn = self.spec, (batch["uv_crop"], batch["in_front"])
            heatmaps = draw_heatmaps(*drawn, spec.image_px, spec.heatmap_px, spec.sigma_px)
        return {**batch, **changed, "heatmaps": heatmaps}

    def moved(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The batch after the geometric augmentation: rotated and mirrored."""
        return turn_and_mirror(batch, self.spec.image_px, generator)

    def recoloured(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Normalised images (B, 3, S, S) after the colour augmentation."""
        return jitter_colours(images, generator)

    def loss_and_error(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """The output of `inputs` -> (loss, errors (n,)). Their mean in validation is `metric`."""
        raise NotImplementedError

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        batches = self.current_epoch * int(self.trainer.num_training_batches) + batch_idx
        inputs = self.inputs(batch, batches * self.trainer.world_size + self.global_rank)
        loss, _ = self.loss_and_error(inputs)
        self._require_finite(loss, inputs, self.trainer.train_dataloader, "batch", batch_idx)
        count = len(batch["position"])
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=count, sync_dist=True)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        inputs = self.inputs(batch)
        loss, errors = self.loss_and_error(inputs)
        # Checked before the checkpoint is written: without a finite loss the weights are useless.
        loader = self.trainer.val_dataloaders
        self._require_finite(loss, inputs, loader, "validation batch", batch_idx)
        self.log("val_loss", loss, batch_size=len(batch["position"]), sync_dist=True)
        # Every process must log, even one without errors, because the others wait for it.
        mean = errors.sum() / max(len(errors), 1)
        self.log(self.metric, mean, batch_size=len(errors), sync_dist=True)

    def _require_finite(
        self, loss: torch.Tensor, inputs: Batch, loader: Any, what: str, batch_idx: int
    ) -> None:
        """Raise EgolibError, with the step and the frames, if the loss is not finite."""
        if torch.isfinite(loss):
            return
        self.eval()
        with torch.no_grad():
            alone = [
                self.loss_and_error({name: v[i : i + 1] for name, v in inputs.items()})[0]
                for i in range(len(inputs["position"]))
            ]
        lost = [i for i, value in enumerate(alone) if not torch.isfinite(value)]
        positions = inputs["position"].cpu().numpy()[lost or slice(None)]
        frames = [loader.dataset.index[position] for position in positions]
        names = [f"{frame.character}/{frame.environment} {frame.number}" for frame in frames]
        if len(lost) == len(alone):
            cause = "every frame of it, so the weights have run away: lower learning_rate"
        elif lost:
            cause = "these frames alone: check their labels, or leave them out"
        else:
            cause = "each is finite where nothing is trained: lower learning_rate"
        raise EgolibError(
            f"the loss is {loss.item()} in epoch {self.current_epoch + 1}, {what} {batch_idx + 1} "
            f"of {len(loader)}, on {', '.join(names)} ({cause}); the epochs before it are kept in "
            f"{self.trainer.default_root_dir}"
        )


class HeatmapModule(StageModule):
    """Stage 1: mean squared error of heatmaps; the metric is the 2D error of joints in the image."""

    metric = "val_error_px"

    def loss_and_error(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        predicted = required(self.network(batch["image"]).heatmaps).float()
        with torch.no_grad():
            uv_crop, _ = find_peaks(predicted, self.spec.image_px)
            true_uv_crop = batch["uv_crop"]
            in_image = inside_square(true_uv_crop, self.spec.image_px) & batch["in_front"]
            errors = (uv_crop - true_uv_crop).norm(dim=-1)[in_image]
        return losses.heatmap_loss(predicted, batch["heatmaps"]), errors


class LifterModule(StageModule):
    """Stage 2: the lifter on heatmaps, true or detected; no image involved."""

    def loss_and_error(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        output: NetworkOutput = self.network(batch["heatmaps"])
        loss = lifter_output_loss(output, batch, self.limb_terms)
        return loss, mpjpe_mm(output, batch)


class EndToEndModule(StageModule):
    """Stage 3: image to pose; a loss term keeps the heatmaps close to the true ones."""

    def loss_and_error(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        output: NetworkOutput = self.network(batch["image"])
        loss = lifter_output_loss(output, batch, self.limb_terms)
        heatmaps = required(output.heatmaps).float()
        term = losses.reconstruction_loss(heatmaps, batch["heatmaps"])
        loss = loss + losses.LAMBDA_HEATMAP * term
        return loss, mpjpe_mm(output, batch)


class RayModelModule(StageModule):
    """The ray model, image to pose; in training, the camera is also tilted and the hue shifted."""

    def moved(self, batch: Batch, generator: torch.Generator) -> Batch:
        return tilt_camera(super().moved(batch, generator), self.spec.image_px, generator)

    def recoloured(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        images = super().recoloured(images, generator)
        return shift_hue(images, generator) if self.config.augment else images

    def loss_and_error(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        output: NetworkOutput = self.network(batch["image"])
        in_image = inside_square(batch["uv_crop"], self.spec.image_px) & batch["in_front"]
        loss = ray_model_loss(output, batch, in_image, self.spec.sigma_px)
        return loss, mpjpe_mm(output, batch)


def lifter_output_loss(output: NetworkOutput, batch: Batch, limb_terms: str) -> torch.Tensor:
    """Loss of a lifter's output -> scalar: pose, limbs and, if predicted, reconstructed heatmaps
    and rotations."""
    pose_m, heatmaps = required(output.joints_rel_m).float(), batch["heatmaps"]
    loss = losses.lifter_loss(
        pose_m, batch["joints_rel_m"], output.reconstruction, heatmaps, limb_terms
    )
    if output.rotations is not None:
        target = matrices_from_euler(batch["rotations_rad"])
        loss = loss + losses.LAMBDA_ROTATION * losses.rotation_loss(output.rotations, target)
    return loss


def ray_model_loss(
    output: NetworkOutput, batch: Batch, in_image: torch.Tensor, sigma_px: float
) -> torch.Tensor:
    """Loss of the ray model: pose in both frames, rays of the joints `in_image` (B, 15), heatmaps,
    and the expected error of each joint -> scalar."""
    joints_rel_m = required(output.joints_rel_m).float()
    joints_cam_m = required(output.joints_cam_m).float()
    true_cam_m = batch["joints_rel_m"] + batch["neck_cam_m"][:, None]
    loss = losses.pose_loss(joints_cam_m, true_cam_m)
    loss = loss + losses.pose_loss(joints_rel_m, batch["joints_rel_m"])
    if output.expected_error_m is not None:
        errors_m = (joints_rel_m - batch["joints_rel_m"]).norm(dim=-1)
        term = losses.expected_error_loss(output.expected_error_m.float(), errors_m)
        loss = loss + losses.EXPECTED_ERROR_WEIGHT * term
    places = HEATMAP_JOINT_INDICES
    loss = loss + losses.ray_loss(required(output.rays)[:, places], true_cam_m[:, places], in_image)
    divergence = losses.heatmap_divergence(required(output.scores), batch["heatmaps"], sigma_px)
    return loss + losses.DIVERGENCE_WEIGHT * divergence


def mpjpe_mm(output: NetworkOutput, batch: Batch) -> torch.Tensor:
    """MPJPE of each predicted pose, in millimetres (B,)."""
    predicted = required(output.joints_rel_m).detach().float()
    return 1000 * (predicted - batch["joints_rel_m"]).norm(dim=-1).mean(-1)
