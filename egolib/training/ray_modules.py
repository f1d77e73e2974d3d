"""What the stage of our own model computes from a batch: loss, error."""

from egolib.camera import inside_square
from egolib.data.augmentation import tilt_camera, turn_hue
from egolib.losses import pose_loss
from egolib.models.networks import Lifted
from egolib.ray_losses import OURS_DIVERGENCE, OURS_SPREAD, divergence, ray_loss, spread_loss
from egolib.skeleton import HEATMAP_JOINT_INDICES
from egolib.training.modules import Stage, mpjpe_mm


class OursStage(Stage):
    """Our own model, picture to pose."""

    def moved(self, batch, generator):
        return tilt_camera(super().moved(batch, generator), self.image_size_px, generator)

    def recoloured(self, images, generator):
        images = super().recoloured(images, generator)
        return turn_hue(images, generator) if self.config.augment else images

    def loss_and_error(self, batch):
        lifted = Lifted(*self.network(batch["image"])[1:])
        seen_m = _camera_frame_m(batch)[:, HEATMAP_JOINT_INDICES]
        rays = lifted.rays[:, HEATMAP_JOINT_INDICES]
        in_view = batch["in_front"] & inside_square(batch["joints_2d_px"], self.image_size_px)
        loss = _placing_loss(lifted, batch) + ray_loss(rays, seen_m, in_view)
        maps = divergence(lifted.scores, batch["heatmaps"], self.sigma_px)
        return loss + OURS_DIVERGENCE * maps, mpjpe_mm(lifted.pose_m, batch)


def _placing_loss(lifted, batch):
    """Loss of our own model's poses (a models.Lifted): in the camera frame, from the neck, and the error
    that they expect."""
    pose_m, camera_m = lifted.pose_m.float(), lifted.camera_m.float()
    loss = pose_loss(camera_m, _camera_frame_m(batch)) + pose_loss(pose_m, batch["joints_3d_m"])
    if lifted.spread_m is not None:
        errors_m = (pose_m - batch["joints_3d_m"]).norm(dim=-1)
        loss = loss + OURS_SPREAD * spread_loss(lifted.spread_m.float(), errors_m)
    return loss


def _camera_frame_m(batch):
    """The true joints in the camera frame (B, 16, 3)."""
    return batch["joints_3d_m"] + batch["neck_m"][:, None]
