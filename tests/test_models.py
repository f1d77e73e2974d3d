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
    """As the public checkpoints have them: 80.03 M in the lifter at 48 px heatmaps (theirs also
    holds three batch norms that are never applied), 32.95 M in the ResNet-50 heatmap network."""
    lifter = sum(p.numel() for p in PoseLifter(48).parameters())
    assert lifter == pytest.approx(80.03e6, rel=1e-3)
    resnet50 = sum(p.numel() for p in HeatmapNet("resnet50").parameters())
    assert resnet50 == pytest.approx(32.95e6, rel=2e-3)


def test_the_pose_branch_is_not_linear():
    branch = PoseLifter(8).pose_branch
    torch.nn.init.normal_(branch[-1].weight)  # it starts at zero
    latent = torch.randn(64, 20)
    assert not torch.allclose(branch(latent) + branch(-latent), 2 * branch(0 * latent), atol=1e-4)
    linear = PoseLifter(8, pose_activations=False).pose_branch
    torch.nn.init.normal_(linear[-1].weight)
    assert torch.allclose(linear(latent) + linear(-latent), 2 * linear(0 * latent), atol=1e-4)


def test_the_first_guess_is_the_given_pose_whatever_the_heatmaps():
    lifter, pose_m = PoseLifter(8), torch.randn(16, 3)
    lifter.start_at(pose_m)
    assert torch.allclose(lifter(torch.rand(2, 15, 8, 8))[0], pose_m.expand(2, 16, 3))


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
