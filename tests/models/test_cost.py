import pytest

from egolib.models.checkpoints import NetworkSpec, build_network
from egolib.models.cost import gflops, ms_per_image, parameters_m

MARTINEZ = NetworkSpec("lifter", "resnet18", 64, 1.0, "martinez")


def test_operations_are_those_one_counts_by_hand():
    products = 45 * 1024 + 4 * 1024 * 1024 + 1024 * 48
    assert gflops(MARTINEZ) == pytest.approx(2 * products / 1e9, rel=1e-6)


def test_a_system_costs_what_its_two_networks_cost():
    parts = [
        NetworkSpec(kind, "resnet18", 128, 1.0) for kind in ("heatmaps", "lifter", "end_to_end")
    ]
    for measure in (gflops, parameters_m):
        heatmaps, lifter, both = map(measure, parts)
        assert heatmaps + lifter == pytest.approx(both)
    # torchvision prints 1.81 GMACs for ResNet-18 at 224 px, its classifier of 0.5 M included.
    assert gflops(parts[0]) > 2 * 1.81 * (128 / 224) ** 2


def test_parameters_and_time_are_those_of_the_network():
    built = sum(p.numel() for p in build_network(MARTINEZ).parameters())
    assert parameters_m(MARTINEZ) == pytest.approx(built / 1e6)
    assert 0 < ms_per_image(MARTINEZ, repeats=3) < 1000


def test_the_ray_model_is_counted_from_image_to_pose():
    """Backbone and pyramid: more than a ResNet-18 of that size, less than the paper's deconvolutions."""
    ray_model = NetworkSpec("ray_model", "resnet18", 128, 1.0)
    backbone = 2 * 1.81 * (128 / 224) ** 2
    assert backbone < gflops(ray_model) < 2 * backbone
    assert parameters_m(ray_model) < parameters_m(NetworkSpec("end_to_end", "resnet18", 128, 1.0))
