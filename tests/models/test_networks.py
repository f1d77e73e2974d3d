import pytest
import torch

from egolib.config import LIFTER_METHODS
from egolib.foundation.errors import EgolibError
from egolib.models import backbone
from egolib.models.checkpoints import NetworkSpec, build_network
from egolib.models.end_to_end import EndToEndNetwork
from egolib.models.heatmap_network import HeatmapNetwork, heatmap_side
from egolib.models.heatmaps import draw_heatmaps
from egolib.models.lifters import DirectLifter, MartinezLifter, PoseLifter


@pytest.mark.parametrize(("image_px", "side"), [(64, 8), (128, 16), (256, 32), (368, 48)])
@torch.inference_mode()
def test_shapes_are_what_the_docstrings_say(image_px, side):
    network = EndToEndNetwork(HeatmapNetwork("resnet18"), PoseLifter(heatmap_side(image_px))).eval()
    output = network(torch.zeros(2, 3, image_px, image_px))
    assert output.heatmaps.shape == output.reconstruction.shape == (2, 15, side, side)
    assert output.joints_rel_m.shape == (2, 16, 3)
    assert output.rotations is None
    assert output.joints_cam_m is output.neck_cam_m is None


def test_the_single_branch_has_no_heatmap_branch():
    lifter = PoseLifter(8, heatmap_branch=False)
    assert lifter(torch.zeros(1, 15, 8, 8)).reconstruction is None
    dual = sum(p.numel() for p in PoseLifter(8).parameters())
    assert sum(p.numel() for p in lifter.parameters()) < dual


def test_published_size_of_the_networks():
    """As the public checkpoints have them: 80.03 M in the lifter at 48 px heatmaps (theirs also
    holds three batch norms that are never applied), 32.95 M in the ResNet-50 heatmap network."""
    lifter = sum(p.numel() for p in PoseLifter(48).parameters())
    assert lifter == pytest.approx(80.03e6, rel=1e-3)
    resnet50 = sum(p.numel() for p in HeatmapNetwork("resnet50").parameters())
    assert resnet50 == pytest.approx(32.95e6, rel=2e-3)


def test_the_pose_branch_is_not_linear():
    branch = PoseLifter(8).pose_branch
    latent = torch.randn(64, 20)
    assert not torch.allclose(branch(latent) + branch(-latent), 2 * branch(0 * latent), atol=1e-4)
    linear = PoseLifter(8, pose_activations=False).pose_branch
    assert torch.allclose(linear(latent) + linear(-latent), 2 * linear(0 * latent), atol=1e-4)


def test_the_first_guess_is_the_given_pose_whatever_the_heatmaps():
    pose_m = torch.randn(16, 3)
    for lifter in (PoseLifter(8), DirectLifter(8), MartinezLifter()):
        lifter.start_at(pose_m)
        assert torch.allclose(lifter(torch.rand(2, 15, 8, 8)).joints_rel_m, pose_m.expand(2, 16, 3))


def test_every_method_is_a_lifter_of_its_own():
    maps = torch.rand(2, 15, 8, 8)
    sizes = {}
    for method in LIFTER_METHODS:
        lifter = build_network(NetworkSpec("lifter", "resnet18", 64, 1.0, method)).eval()
        output = lifter(maps)
        assert output.joints_rel_m.shape == (2, 16, 3)
        assert (output.reconstruction is not None) == (method in ("dual", "rotation"))
        assert (output.rotations is not None) == (method == "rotation")
        sizes[method] = sum(p.numel() for p in lifter.parameters())
        if method == "rotation":
            assert torch.allclose(output.rotations, torch.eye(3).expand(2, 16, 3, 3))
    assert len(set(sizes.values())) == len(LIFTER_METHODS)
    # Martinez et al. print "4 to 5 million"; theirs reads and writes a few numbers more.
    assert 4e6 < sizes["martinez"] < 5e6


def test_martinez_sees_only_where_the_peaks_are():
    """A joint in the middle of the image is at 0, and the width of a map does not matter."""
    lifter = MartinezLifter().eval()
    seen = []
    lifter.start.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    middle = torch.full((1, 15, 2), 31.5)
    front = torch.ones(1, 15, dtype=torch.bool)
    for sigma_px in (0.7, 1.5):
        lifter(draw_heatmaps(middle, front, 64, 16, sigma_px))
    lifter(draw_heatmaps(torch.full((1, 15, 2), 63.5), front, 64, 16, 1.0))
    narrow, wide, corner = (values.view(15, 3)[:, :2] for values in seen)
    assert torch.allclose(narrow, torch.zeros(15, 2), atol=0.01)
    assert torch.allclose(narrow, wide, atol=0.01)
    assert torch.allclose(corner, torch.ones(15, 2), atol=0.15)


def test_sizes_and_backbones_that_do_not_fit_are_refused():
    with pytest.raises(EgolibError, match="image_px = 96"):
        heatmap_side(96)
    with pytest.raises(EgolibError, match="unknown backbone 'vgg'; known: resnet18"):
        HeatmapNetwork("vgg")


def test_missing_imagenet_weights_name_the_remedy(monkeypatch):
    def unreachable(weights=None):
        raise OSError("no network")

    monkeypatch.setattr(backbone.torchvision.models, "resnet18", unreachable)
    with pytest.raises(EgolibError, match="pretrained = false"):
        HeatmapNetwork("resnet18", pretrained=True)
