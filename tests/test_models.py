import pytest
import torch

from egolib import models
from egolib.errors import EgolibError
from egolib.models import EgoPose, HeatmapNet, PoseLifter, heatmap_side


@pytest.mark.parametrize(("image_px", "side"), [(64, 8), (128, 16), (256, 32), (368, 48)])
@torch.inference_mode()
def test_shapes_are_what_the_docstrings_say(image_px, side):
    network = EgoPose(HeatmapNet("resnet18"), PoseLifter(heatmap_side(image_px))).eval()
    heatmaps, pose_m, again = network(torch.zeros(2, 3, image_px, image_px))
    assert heatmaps.shape == again.shape == (2, 15, side, side)
    assert pose_m.shape == (2, 16, 3)


def test_the_single_branch_has_no_heatmap_branch():
    lifter = PoseLifter(8, heatmap_branch=False)
    assert lifter(torch.zeros(1, 15, 8, 8))[1] is None
    dual = sum(p.numel() for p in PoseLifter(8).parameters())
    assert sum(p.numel() for p in lifter.parameters()) < dual


def test_published_size_of_the_networks():
    """The lifter at 48 px heatmaps has the 80.03 M parameters of the public checkpoints, less
    their batch norms that are never applied; ResNet-50 with two deconvolutions has 32.95 M less
    what the 1x1 head differs in nothing: the same."""
    lifter = sum(p.numel() for p in PoseLifter(48).parameters())
    assert lifter == pytest.approx(80.03e6, rel=1e-3)
    resnet50 = sum(p.numel() for p in HeatmapNet("resnet50").parameters())
    assert resnet50 == pytest.approx(32.95e6, rel=2e-3)


def test_the_pose_branch_is_not_linear():
    branch = PoseLifter(8).pose_branch
    latent = torch.randn(64, 20)
    assert not torch.allclose(branch(latent) + branch(-latent), 2 * branch(0 * latent), atol=1e-4)


def test_sizes_and_backbones_that_do_not_fit_are_refused():
    with pytest.raises(EgolibError, match="image_px = 96"):
        heatmap_side(96)
    with pytest.raises(EgolibError, match="unknown backbone 'vgg'; known: resnet18"):
        HeatmapNet("vgg")


def test_missing_imagenet_weights_name_the_remedy(monkeypatch):
    def unreachable(weights=None):
        raise OSError("no network")

    monkeypatch.setattr(models.torchvision.models, "resnet18", unreachable)
    with pytest.raises(EgolibError, match="pretrained = false"):
        HeatmapNet("resnet18", pretrained=True)
