"""What each of the paper's three stages computes from a batch: targets, loss, error."""

import lightning as L
import torch

from egolib.augment import jitter_colours, turn_and_mirror
from egolib.camera import inside_square
from egolib.dataset import normalise
from egolib.errors import EgolibError
from egolib.heatmaps import draw_heatmaps, find_peaks
from egolib.losses import LAMBDA_HEATMAP, heatmap_loss, lifter_loss, reconstruction_loss


class Stage(L.LightningModule):
    """What the stages share: targets, optimiser, and a history of one row an epoch.

    `spec` is the checkpoints.NetworkSpec of the network, `config` the stage's part of the profile.
    """

    metric = "val_mpjpe_mm"

    def __init__(self, network, spec, config, seed):
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.image_size_px, self.heatmap_size_px = spec.image_px, spec.heatmap_px
        self.sigma_px = spec.sigma_px
        self.config, self.seed = config, seed

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

    def inputs(self, batch):
        """A batch of the loader -> what the network sees and learns: "image" (B, 3, S, S)
        normalised, where there is one, and "heatmaps" (B, 15, H, H), drawn on its device. What
        training does to a batch depends on seed and step alone."""
        if self.training:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.global_step)
            if self.config.augment:
                batch = turn_and_mirror(batch, self.image_size_px, generator)
        seen = {}
        if "image" in batch:
            images = normalise(batch["image"])
            seen["image"] = jitter_colours(images, generator) if self.training else images
        heatmaps = draw_heatmaps(
            batch["joints_2d_px"],
            batch["in_front"],
            self.image_size_px,
            self.heatmap_size_px,
            self.sigma_px,
        )
        return {**batch, **seen, "heatmaps": heatmaps}

    def loss_and_error(self, batch):
        """What `inputs` returned -> (loss, errors (n,) whose mean over validation is `metric`)."""
        raise NotImplementedError

    def training_step(self, batch, _):
        loss, _ = self.loss_and_error(self.inputs(batch))
        if not torch.isfinite(loss):
            index = self.trainer.train_dataloader.dataset.index
            images = ", ".join(index.image(i) for i in batch["position"][:3].tolist())
            raise EgolibError(
                f"{index.root}: the loss is {loss.item()} on a batch with {images}; check its labels"
            )
        count = len(batch["position"])
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=count)
        return loss

    def validation_step(self, batch, _):
        loss, errors = self.loss_and_error(self.inputs(batch))
        self.log("val_loss", loss, batch_size=len(batch["position"]), sync_dist=True)
        if len(errors):
            self.log(self.metric, errors.mean(), batch_size=len(errors), sync_dist=True)


class HeatmapStage(Stage):
    """Stage 1: mean squared error of heatmaps; judged by the 2D error of joints in the picture."""

    metric = "val_error_px"

    def loss_and_error(self, batch):
        predicted = self.network(batch["image"]).float()
        with torch.no_grad():
            found_px, _ = find_peaks(predicted, self.image_size_px)
            true_px = batch["joints_2d_px"]
            seen = inside_square(true_px, self.image_size_px) & batch["in_front"]
            errors = (found_px - true_px).norm(dim=-1)[seen]
        return heatmap_loss(predicted, batch["heatmaps"]), errors


class LifterStage(Stage):
    """Stage 2: the lifter on heatmaps of the true 2D joints, no picture involved."""

    def loss_and_error(self, batch):
        heatmaps = batch["heatmaps"]
        pose_m, reconstruction = self.network(heatmaps)
        loss = lifter_loss(pose_m.float(), batch["joints_3d_m"], reconstruction, heatmaps)
        return loss, _mpjpe_mm(pose_m, batch)


class FinetuneStage(Stage):
    """Stage 3: picture to pose; the heatmaps stay tied to the true ones."""

    def loss_and_error(self, batch):
        target = batch["heatmaps"]
        heatmaps, pose_m, reconstruction = self.network(batch["image"])
        loss = lifter_loss(pose_m.float(), batch["joints_3d_m"], reconstruction, target)
        loss = loss + LAMBDA_HEATMAP * reconstruction_loss(heatmaps.float(), target)
        return loss, _mpjpe_mm(pose_m, batch)


def _mpjpe_mm(pose_m, batch):
    return 1000 * (pose_m.detach().float() - batch["joints_3d_m"]).norm(dim=-1).mean(-1)
