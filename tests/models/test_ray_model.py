"""The ray model: rays through the lens, what its maps learn, and how far off it expects to be."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import STANDING_M

from egolib import camera
from egolib.config import override
from egolib.data.augmentation import shift_hue, tilt_camera
from egolib.data.index import index_tree
from egolib.evaluation.inference import predict_split
from egolib.foundation.errors import EgolibError
from egolib.losses import expected_error_loss, heatmap_divergence, ray_loss
from egolib.models.checkpoints import NetworkSpec, build_network, load_network, save_network
from egolib.models.heatmaps import draw_heatmaps, find_peaks
from egolib.models.output import NetworkOutput
from egolib.models.ray_model import WIDTH, map_side
from egolib.skeleton import HEATMAP_JOINT_INDICES, NECK, relative_to_neck
from egolib.training.modules import ray_model_loss
from egolib.training.train import train_stage

SPEC = NetworkSpec("ray_model", "resnet18", 64, 1.0)


def test_projection_of_tensors_is_the_lens():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 3)) * (1, 1, 0.7)
    seen = points[points[:, 2] > 0]
    found = camera.project_tensor(torch.from_numpy(seen)).numpy()
    assert np.allclose(found, camera.project(seen), atol=1e-6)


def test_a_point_behind_the_lens_plane_lies_outside_on_its_own_side():
    points = torch.tensor([[0.5, 0, -0.05], [-0.5, 0, -0.3], [0, 0.4, -2.0]])
    offset = camera.project_tensor(points) - torch.tensor(
        (camera.XR_EGOPOSE.cx, camera.XR_EGOPOSE.cy)
    )
    assert (torch.sign(offset[:, :2].round()) == torch.sign(points[:, :2])).all()
    assert not camera.inside_circle(camera.project_tensor(points)).any()


def untrained(**changes):
    torch.manual_seed(0)
    return build_network(dataclasses.replace(SPEC, **changes)).eval()


def scores_of(heatmaps, sigma_px=1.0):
    """Scores whose softmax is where Gaussians of peak 1 say that joints are, else "elsewhere"."""
    cells = heatmaps.flatten(2) / (2 * np.pi * sigma_px**2)
    elsewhere = (1 - cells.sum(-1, keepdim=True)).clamp(min=0)
    return torch.cat([cells, elsewhere], -1).clamp(min=1e-9).log()


@pytest.mark.parametrize("image_px", [128, 368])
def test_a_map_around_a_joint_is_the_ray_to_it(image_px):
    side = map_side(image_px)
    joints_m = torch.from_numpy(STANDING_M[None]).float()
    seen_m = joints_m[:, HEATMAP_JOINT_INDICES]
    pixels = camera.native_to_square(camera.project(STANDING_M), image_px)[HEATMAP_JOINT_INDICES]
    pixels = torch.from_numpy(pixels[None]).float()
    in_image = camera.inside_square(pixels, image_px)[0]
    maps = draw_heatmaps(pixels, torch.ones(1, 15, dtype=torch.bool), image_px, side, 1.0)
    output = untrained().place(
        scores_of(maps), torch.zeros(1, WIDTH, side, side), torch.zeros(1, 512)
    )
    found, rays = output.heatmaps, output.rays[:, HEATMAP_JOINT_INDICES]
    truth = torch.nn.functional.normalize(seen_m, dim=-1)
    whole = in_image & (maps.flatten(2).sum(-1)[0] > 6.2)
    assert whole.sum() > 8
    assert (rays - truth).norm(dim=-1)[0, whole].max() < np.radians(180 / side)  # half a cell
    # Such a map is the Gaussian of peak 1 that find_peaks knows.
    assert torch.allclose(found[0, whole], maps[0, whole], atol=0.01)
    assert torch.allclose(find_peaks(found, image_px)[0][0, whole], pixels[0, whole], atol=0.3)


def test_what_is_elsewhere_has_neither_ray_nor_peak():
    maps = torch.zeros(1, 15, 16, 16)
    output = untrained().place(scores_of(maps), torch.zeros(1, WIDTH, 16, 16), torch.zeros(1, 512))
    assert output.rays.abs().max() < 1e-5
    assert output.heatmaps.max() < 1e-5


def test_the_divergence_is_none_for_the_true_map_and_more_for_any_other():
    pixels = torch.tensor([[[20.0, 30.0], [63.5, 40.0], [500.0, 40.0]]])
    in_front = torch.tensor([[True, True, True]])
    maps = draw_heatmaps(pixels, in_front, 64, 16, 1.0)
    assert heatmap_divergence(scores_of(maps), maps, 1.0) == pytest.approx(0, abs=1e-4)
    shifted = draw_heatmaps(pixels + 8, in_front, 64, 16, 1.0)
    assert heatmap_divergence(scores_of(shifted), maps, 1.0) > 0.5
    nowhere = draw_heatmaps(pixels, ~in_front, 64, 16, 1.0)
    assert heatmap_divergence(scores_of(nowhere), maps, 1.0) > 0.5
    assert heatmap_divergence(scores_of(nowhere)[:, 2:], maps[:, 2:], 1.0) == pytest.approx(
        0, abs=1e-4
    )


def test_mixed_precision_places_joints_as_full_precision_does():
    """bf16 alone would round a metre to 4 mm: the geometry after the maps is in float32."""
    network = untrained()
    network.start_at(torch.from_numpy(STANDING_M).float())
    images, given = torch.randn(2, 3, 64, 64), []
    place = network.place
    network.place = lambda *maps: given.append(maps) or place(*maps)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = network(images)
    assert mixed.joints_cam_m.dtype == torch.float32
    full = place(*given[0])
    assert torch.equal(mixed.joints_cam_m, full.joints_cam_m)
    assert torch.equal(mixed.rays, full.rays)


def test_no_ray_is_asked_of_a_joint_outside_the_image():
    """The lens could see it, the square does not: its map lies elsewhere, and its ray is zero. All
    else is as it should be, so what is left of the loss is what the one ray costs."""
    joints_cam_m = torch.from_numpy(STANDING_M[None]).float()
    rays = torch.nn.functional.normalize(joints_cam_m, dim=-1)
    rays[0, HEATMAP_JOINT_INDICES[3]] = 0
    uv_crop, in_front = torch.full((1, 15, 2), 30.0), torch.ones(1, 15, dtype=torch.bool)
    joints_rel_m = relative_to_neck(joints_cam_m)
    batch = {"joints_rel_m": joints_rel_m, "neck_cam_m": joints_cam_m[:, NECK]}
    for u, ray_costs in ((30.0, 1 / 15), (-9.0, 0)):
        uv_crop[0, 3, 0] = u
        in_image = camera.inside_square(uv_crop, 64) & in_front
        heatmaps = draw_heatmaps(uv_crop, in_front, 64, 16, 1.0)
        output = NetworkOutput(
            joints_rel_m=joints_rel_m,
            joints_cam_m=joints_cam_m,
            rays=rays,
            scores=scores_of(heatmaps),
        )
        loss = ray_model_loss(output, {**batch, "heatmaps": heatmaps}, in_image, sigma_px=1.0)
        assert loss == pytest.approx(ray_costs, abs=1e-5)


def test_a_tilted_camera_draws_joints_where_the_image_shows_them():
    spots_m = torch.tensor([[0.3, 0.1, 0.4], [-0.2, 0.3, 0.5], [0.0, -0.4, 0.6], [0.1, 0.2, 0.9]])
    joints_m = spots_m.repeat(4, 1)[None].repeat(6, 1, 1)
    image = torch.zeros(6, 3, 256, 256, dtype=torch.uint8)
    for u, v in camera.native_to_square(camera.project(spots_m), 256).round().astype(int):
        image[:, :, v - 1 : v + 2, u - 1 : u + 2] = 255
    batch = {"image": image, "joints_rel_m": joints_m, "neck_cam_m": torch.zeros(6, 3)}
    tilted = tilt_camera(batch, 256, torch.Generator().manual_seed(0))
    assert torch.allclose(tilted["joints_rel_m"].norm(dim=-1), joints_m.norm(dim=-1), atol=1e-5)
    expected = camera.native_to_square(camera.project(tilted["joints_rel_m"]), 256)
    assert np.allclose(tilted["uv_crop"], expected[:, HEATMAP_JOINT_INDICES], atol=1e-3)
    moved = (tilted["joints_rel_m"] - joints_m).norm(dim=-1)
    assert moved.max() > 0.05
    for i, pixels in enumerate(tilted["uv_crop"]):
        for u, v in pixels.round().int().tolist():
            assert tilted["image"][i, 0, v - 1 : v + 2, u - 1 : u + 2].max() > 100


def test_hue_turns_leave_grey_alone():
    generator = torch.Generator().manual_seed(0)
    grey = torch.linspace(-1, 1, 12).expand(2, 3, 3, 12)
    assert torch.allclose(shift_hue(grey, generator), grey, atol=1e-6)
    red = torch.tensor([0.5, -0.5, -0.5])[None, :, None, None].expand(2, 3, 2, 2)
    assert (shift_hue(red, generator) - red).abs().max() > 0.1


def test_every_part_learns():
    network = untrained().train()
    network.start_at(torch.from_numpy(STANDING_M).float())
    for layer in (network.elsewhere_scores, network.correction, network.placement):
        torch.nn.init.normal_(layer.weight)  # zero at the start, which lets nothing before it learn
    output = network(torch.randn(2, 3, 64, 64))
    total = output.heatmaps.square().sum() + output.joints_cam_m.square().sum()
    (total + output.expected_error_m.sum()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("part", ["early_features", "expected_error"])
def test_without_a_part_the_network_has_none_of_its_parameters(part):
    less = untrained(**{part: False})
    assert sum(p.numel() for p in less.parameters()) < sum(
        p.numel() for p in untrained().parameters()
    )
    output = less(torch.zeros(1, 3, 64, 64))
    assert output.joints_rel_m.shape == (1, 16, 3)
    assert (output.expected_error_m is None) == (part == "expected_error")


def test_a_ray_to_the_joint_costs_nothing():
    joints_m = torch.from_numpy(STANDING_M[None]).float()
    rays = torch.nn.functional.normalize(joints_m, dim=-1)
    in_front = torch.ones(1, 16, dtype=torch.bool)
    assert ray_loss(rays, joints_m, in_front) == pytest.approx(0, abs=1e-6)
    in_front[0, 3] = False
    rays[0, 3] = 0
    assert ray_loss(rays, joints_m, in_front) == pytest.approx(0, abs=1e-6)
    assert ray_loss(0 * rays, joints_m, in_front) == pytest.approx(1)


def test_the_best_expected_error_is_the_mean_error():
    """Of joints with errors of another size each, by the loss alone."""
    generator = torch.Generator().manual_seed(0)
    sizes = torch.tensor([0.02, 0.1, 0.3])
    errors_m = sizes * torch.rand(4000, 3, generator=generator)
    expected_error_m = torch.full((3,), 0.1, requires_grad=True)
    optimizer = torch.optim.Adam([expected_error_m], lr=2e-3)
    for _ in range(400):
        optimizer.zero_grad()
        expected_error_loss(expected_error_m.clamp(min=1e-3).expand(4000, 3), errors_m).backward()
        optimizer.step()
    assert torch.allclose(expected_error_m.detach(), errors_m.mean(0), rtol=0.03)


@pytest.fixture(scope="module")
def trained(shared_toy_tree, toy_profile, tmp_path_factory):
    """The ray model on the toy tree -> (folder, index)."""
    changes = {
        "ray_model": {"epochs": 12, "batch_size": 4, "learning_rate": 2e-3, "augment": False}
    }
    profile = override(toy_profile, changes, "test")
    index = index_tree(shared_toy_tree, "train")
    folder = tmp_path_factory.mktemp("ray_model")
    train_stage("ray_model", profile, index, index, folder, seed=1)
    return folder, index


def test_training_halves_its_error_and_the_expected_error_follows(trained):
    folder, index = trained
    errors_mm = pd.read_csv(folder / "runs" / "ray_model" / "history.csv")["val_mpjpe_mm"]
    assert errors_mm.min() < errors_mm[0] / 2
    predictions = predict_split(*load_network(folder / "ray_model.safetensors")[:2], index)
    assert predictions.errors_mm.mean() == pytest.approx(errors_mm.min(), rel=1e-3)
    assert (predictions.expected_error_mm > 0).all()
    # It began at errors of 20 cm and follows them down; where it ends is tested above.
    assert 0.4 < predictions.expected_error_mm.mean() / predictions.errors_mm.mean() < 2.5
    assert predictions.neck_errors_mm.shape == (len(index),)
    assert 0 < predictions.neck_errors_mm.mean() < 100


def test_a_checkpoint_is_the_network_and_no_other(trained, tmp_path):
    folder, _ = trained
    network, spec, provenance = load_network(folder / "ray_model.safetensors", ["ray_model"])
    save_network(tmp_path / "copy.safetensors", network, spec, provenance)
    again, same_spec, _ = load_network(tmp_path / "copy.safetensors")
    image = torch.randn(1, 3, 64, 64)
    assert same_spec == spec
    assert torch.equal(network(image).joints_rel_m, again(image).joints_rel_m)
    with pytest.raises(EgolibError, match="holds a ray_model network; expected lifter"):
        load_network(folder / "ray_model.safetensors", ["lifter"])
    other = dataclasses.replace(spec, early_features=False)
    save_network(tmp_path / "other.safetensors", network, other, provenance)
    with pytest.raises(EgolibError, match=r"other\.safetensors: tensors do not fit"):
        load_network(tmp_path / "other.safetensors")
