"""What each stage of the paper computes from a batch: targets, loss, error."""

import lightning as L
import torch

from egolib.camera import inside_square
from egolib.data.augmentation import jitter_colours, tilt_camera, turn_and_mirror, turn_hue
from egolib.data.dataset import normalise
from egolib.foundation.errors import EgolibError
from egolib.losses import (
    DIVERGENCE_WEIGHT,
    EXPECTED_ERROR_WEIGHT,
    LAMBDA_HEATMAP,
    LAMBDA_ROTATION,
    expected_error_loss,
    heatmap_divergence,
    heatmap_loss,
    lifter_loss,
    pose_loss,
    ray_loss,
    reconstruction_loss,
    rotation_loss,
)
from egolib.models.heatmaps import draw_heatmaps, find_peaks
from egolib.models.output import NetworkOutput
from egolib.models.rotations import matrices_from_euler
from egolib.skeleton import HEATMAP_JOINT_INDICES


class StageModule(L.LightningModule):
    """What the stages share: targets, optimiser, and a history of one row an epoch.

    `spec` is the checkpoints.NetworkSpec of the network, `config` the stage's part of the profile,
    `limb_terms` the lifter's.
    """

    metric = "val_mpjpe_mm"

    def __init__(self, network, spec, config, seed, limb_terms="bones"):
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.image_size_px, self.heatmap_size_px = spec.image_px, spec.heatmap_px
        self.sigma_px = spec.sigma_px
        self.config, self.seed, self.limb_terms = config, seed, limb_terms

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(
            self.network.parameters(), lr=self.config.learning_rate, fused=True
        )
        steps = self.trainer.estimated_stepping_batches
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.config.learning_rate, total_steps=steps, pct_start=0.2
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def inputs(self, batch, draw=0):
        """A batch of the loader -> what the network sees and learns: "image" (B, 3, S, S)
        normalised, where there is one, and "heatmaps" (B, 15, H, H), those that were detected or
        drawn on its device. What training does to a batch depends on seed and `draw` alone."""
        if self.training:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + draw)
            if self.config.augment:
                batch = self.moved(batch, generator)
        seen = {}
        if "image" in batch:
            images = normalise(batch["image"])
            seen["image"] = self.recoloured(images, generator) if self.training else images
        if "heatmaps" in batch:
            heatmaps = batch["heatmaps"].float()
        else:
            heatmaps = draw_heatmaps(
                batch["uv_crop"],
                batch["in_front"],
                self.image_size_px,
                self.heatmap_size_px,
                self.sigma_px,
            )
        return {**batch, **seen, "heatmaps": heatmaps}

    def moved(self, batch, generator):
        """What augmentation does to a batch where the camera is."""
        return turn_and_mirror(batch, self.image_size_px, generator)

    def recoloured(self, images, generator):
        """What training does to the colours of normalised images."""
        return jitter_colours(images, generator)

    def loss_and_error(self, batch):
        """What `inputs` returned -> (loss, errors (n,) whose mean over validation is `metric`)."""
        raise NotImplementedError

    def training_step(self, batch, batch_idx):
        batches = self.current_epoch * self.trainer.num_training_batches + batch_idx
        seen = self.inputs(batch, batches * self.trainer.world_size + self.global_rank)
        loss, _ = self.loss_and_error(seen)
        self._require_finite(loss, seen, self.trainer.train_dataloader, "batch", batch_idx)
        count = len(batch["position"])
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=count, sync_dist=True)
        return loss

    def validation_step(self, batch, batch_idx):
        seen = self.inputs(batch)
        loss, errors = self.loss_and_error(seen)
        # Before this epoch is kept: its weights are lost when its loss is.
        loader = self.trainer.val_dataloaders
        self._require_finite(loss, seen, loader, "validation batch", batch_idx)
        self.log("val_loss", loss, batch_size=len(batch["position"]), sync_dist=True)
        # Every process logs, also one that has nothing to add: the others wait for it.
        mean = errors.sum() / max(len(errors), 1)
        self.log(self.metric, mean, batch_size=len(errors), sync_dist=True)

    def _require_finite(self, loss, seen, loader, what, batch_idx):
        """Raise EgolibError that says where the loss was lost, and on which frames."""
        if torch.isfinite(loss):
            return
        self.eval()
        with torch.no_grad():
            alone = [
                self.loss_and_error({name: v[i : i + 1] for name, v in seen.items()})[0]
                for i in range(len(seen["position"]))
            ]
        lost = [i for i, value in enumerate(alone) if not torch.isfinite(value)]
        positions = seen["position"].cpu().numpy()[lost or slice(None)]
        index = loader.dataset.index
        frames = [
            f"{character}/{environment} {number}"
            for character, environment, number in zip(
                index.characters[positions],
                index.environments[positions],
                index.numbers[positions],
                strict=True,
            )
        ]
        if len(lost) == len(alone):
            cause = "every frame of it, so the weights have run away: lower learning_rate"
        elif lost:
            cause = "these frames alone: check their labels, or leave them out"
        else:
            cause = "each is finite where nothing is trained: lower learning_rate"
        raise EgolibError(
            f"the loss is {loss.item()} in epoch {self.current_epoch + 1}, {what} {batch_idx + 1} "
            f"of {len(loader)}, on {', '.join(frames)} ({cause}); the epochs before it are kept in "
            f"{self.trainer.default_root_dir}"
        )


class HeatmapModule(StageModule):
    """Stage 1: mean squared error of heatmaps; judged by the 2D error of joints in the image."""

    metric = "val_error_px"

    def loss_and_error(self, batch):
        predicted = self.network(batch["image"]).heatmaps.float()
        with torch.no_grad():
            uv_crop, _ = find_peaks(predicted, self.image_size_px)
            true_uv_crop = batch["uv_crop"]
            in_image = inside_square(true_uv_crop, self.image_size_px) & batch["in_front"]
            errors = (uv_crop - true_uv_crop).norm(dim=-1)[in_image]
        return heatmap_loss(predicted, batch["heatmaps"]), errors


class LifterModule(StageModule):
    """Stage 2: the lifter on heatmaps, true or detected; no image involved."""

    def loss_and_error(self, batch):
        output = self.network(batch["heatmaps"])
        loss = lifting_loss(output, batch, self.limb_terms)
        return loss, mpjpe_mm(output.joints_rel_m, batch)


class EndToEndModule(StageModule):
    """Stage 3: image to pose; the heatmaps are kept close to the true ones."""

    def loss_and_error(self, batch):
        output = self.network(batch["image"])
        loss = lifting_loss(output, batch, self.limb_terms)
        heatmap_term = reconstruction_loss(output.heatmaps.float(), batch["heatmaps"])
        loss = loss + LAMBDA_HEATMAP * heatmap_term
        return loss, mpjpe_mm(output.joints_rel_m, batch)


class RayModelModule(StageModule):
    """The ray model, image to pose; its images are also tilted and turned in hue."""

    def moved(self, batch, generator):
        return tilt_camera(super().moved(batch, generator), self.image_size_px, generator)

    def recoloured(self, images, generator):
        images = super().recoloured(images, generator)
        return turn_hue(images, generator) if self.config.augment else images

    def loss_and_error(self, batch):
        output = self.network(batch["image"])
        in_image = inside_square(batch["uv_crop"], self.image_size_px) & batch["in_front"]
        loss = ray_model_loss(output, batch, in_image, self.sigma_px)
        return loss, mpjpe_mm(output.joints_rel_m, batch)


def lifting_loss(output: NetworkOutput, batch: dict, limb_terms: str) -> torch.Tensor:
    """Loss of a lifter's output: pose, limbs, and what its branches predict -> scalar."""
    loss = lifter_loss(
        output.joints_rel_m.float(),
        batch["joints_rel_m"],
        output.reconstruction,
        batch["heatmaps"],
        limb_terms,
    )
    if output.rotations is not None:
        target = matrices_from_euler(batch["rotations_rad"])
        loss = loss + LAMBDA_ROTATION * rotation_loss(output.rotations, target)
    return loss


def ray_model_loss(
    output: NetworkOutput, batch: dict, in_image: torch.Tensor, sigma_px: float
) -> torch.Tensor:
    """Loss of the ray model: pose in both frames, rays of the joints `in_image` (B, 15), maps, and
    the error that is expected of each joint -> scalar."""
    joints_rel_m, joints_cam_m = output.joints_rel_m.float(), output.joints_cam_m.float()
    true_cam_m = batch["joints_rel_m"] + batch["neck_cam_m"][:, None]
    loss = pose_loss(joints_cam_m, true_cam_m) + pose_loss(joints_rel_m, batch["joints_rel_m"])
    if output.expected_error_m is not None:
        errors_m = (joints_rel_m - batch["joints_rel_m"]).norm(dim=-1)
        term = expected_error_loss(output.expected_error_m.float(), errors_m)
        loss = loss + EXPECTED_ERROR_WEIGHT * term
    seen = HEATMAP_JOINT_INDICES
    loss = loss + ray_loss(output.rays[:, seen], true_cam_m[:, seen], in_image)
    divergence = heatmap_divergence(output.scores, batch["heatmaps"], sigma_px)
    return loss + DIVERGENCE_WEIGHT * divergence


def mpjpe_mm(joints_rel_m: torch.Tensor, batch: dict) -> torch.Tensor:
    """MPJPE of each pose (B, 16, 3), in millimetres (B,)."""
    return 1000 * (joints_rel_m.detach().float() - batch["joints_rel_m"]).norm(dim=-1).mean(-1)
