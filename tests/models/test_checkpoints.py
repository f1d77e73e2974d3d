import dataclasses
import json
import os

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from egolib.config import PROFILES, override
from egolib.experiments.run import REPOSITORY
from egolib.foundation.errors import EgolibError
from egolib.models.checkpoints import (
    NetworkSpec,
    build_network,
    join_networks,
    load_network,
    save_network,
    spec_of,
    weights_digest,
)
from egolib.skeleton import HEATMAP_JOINTS, JOINTS

LIFTER = NetworkSpec("lifter", "resnet18", 64, 1.0)


@pytest.fixture
def lifter_file(tmp_path):
    path = tmp_path / "lifter.safetensors"
    save_network(path, build_network(LIFTER), LIFTER, {"profile": "test", "best": {"epoch": 1}})
    return path


def test_a_network_comes_back_as_it_was(tmp_path):
    network = build_network(LIFTER).eval()
    path = tmp_path / "lifter.safetensors"
    save_network(path, network, LIFTER, {"seed": 7})
    loaded, spec, provenance = load_network(path)
    maps = torch.rand(2, 15, 8, 8)
    assert torch.equal(loaded(maps)[0], network(maps)[0])
    assert spec == LIFTER
    assert provenance == {"seed": 7}
    assert not loaded.training
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask  # as every other file: others may read it


def test_a_linear_pose_branch_comes_back_linear(tmp_path, lifter_file):
    assert load_network(lifter_file)[1].pose_activations
    linear = dataclasses.replace(LIFTER, pose_activations=False)
    network = build_network(linear).eval()
    torch.nn.init.normal_(network.pose_branch[-1].weight)
    save_network(tmp_path / "linear.safetensors", network, linear, {})
    loaded, spec, _ = load_network(tmp_path / "linear.safetensors")
    maps = torch.rand(2, 15, 8, 8)
    assert not spec.pose_activations
    assert torch.equal(loaded(maps)[0], network(maps)[0])


def rewrite(path, tensors=None, **metadata):
    stored = load_file(path)
    if tensors:
        stored.update(tensors)
    spec = {"format": "egolib-2", "spec": json.dumps(LIFTER.__dict__), "provenance": "{}"}
    save_file(stored, path, {**spec, **metadata})


@pytest.mark.parametrize("branch", [True, False])
def test_a_checkpoint_of_the_first_format_still_loads(tmp_path, branch):
    spec = dataclasses.replace(LIFTER, method="dual" if branch else "single")
    network = build_network(spec).eval()
    old = {"kind": "lifter", "backbone": "resnet18", "image_px": 64, "sigma_px": 1.0,
           "latent_size": 20, "heatmap_branch": branch}  # fmt: skip
    metadata = {"format": "egolib-1", "spec": json.dumps(old), "provenance": "{}"}
    path = tmp_path / "old.safetensors"
    save_file(network.state_dict(), path, metadata)
    loaded, found, _ = load_network(path)
    assert found == spec
    maps = torch.rand(2, 15, 8, 8)
    assert torch.equal(loaded(maps).pose_m, network(maps).pose_m)


def test_a_method_of_a_later_version_is_named(lifter_file):
    rewrite(lifter_file, spec=json.dumps({**LIFTER.__dict__, "method": "oracle"}))
    with pytest.raises(EgolibError, match="unknown method 'oracle'; known: dual, single"):
        load_network(lifter_file)


def test_what_is_no_checkpoint_is_named(tmp_path, lifter_file):
    with pytest.raises(EgolibError, match="no such checkpoint"):
        load_network(tmp_path / "missing.safetensors")
    whole = lifter_file.read_bytes()
    lifter_file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EgolibError, match="not a whole safetensors file") as caught:
        load_network(lifter_file)
    assert str(lifter_file) in str(caught.value)
    lifter_file.write_text("weights")
    with pytest.raises(EgolibError, match="not a whole safetensors file"):
        load_network(lifter_file)


def test_tensors_of_another_shape_are_refused(lifter_file):
    rewrite(lifter_file, {"encoder.11.weight": torch.zeros(10, 512)})
    with pytest.raises(EgolibError, match=r"size mismatch for encoder\.11\.weight"):
        load_network(lifter_file)


def test_files_of_others_are_refused(lifter_file):
    rewrite(lifter_file, format="somebody-else")
    with pytest.raises(EgolibError, match="not a checkpoint written by egolib"):
        load_network(lifter_file)
    rewrite(lifter_file, spec=json.dumps({"kind": "lifter", "layers": 3}))
    with pytest.raises(EgolibError, match="cannot read its description"):
        load_network(lifter_file)


def test_a_checkpoint_of_other_joints_says_which(lifter_file):
    rewrite(lifter_file, joints=json.dumps([*JOINTS, "Spine"]))
    with pytest.raises(EgolibError, match="its joints are not those of this study: Spine"):
        load_network(lifter_file)
    rewrite(lifter_file, heatmap_joints=json.dumps(HEATMAP_JOINTS[::-1]))
    with pytest.raises(EgolibError, match=r"its heatmap_joints .*: their order"):
        load_network(lifter_file)


def test_a_checkpoint_of_another_kind_is_refused(lifter_file):
    with pytest.raises(EgolibError, match="holds a lifter network; expected heatmaps"):
        load_network(lifter_file, ["heatmaps"])


def test_networks_that_do_not_fit_each_other_are_not_joined():
    heatmap_spec = NetworkSpec("heatmaps", "resnet18", 128, 1.0)
    with pytest.raises(EgolibError, match="image_px = 128, the lifter 64"):
        join_networks(build_network(heatmap_spec), heatmap_spec, build_network(LIFTER), LIFTER)
    heatmap_spec = NetworkSpec("heatmaps", "resnet18", 64, 1.0)
    network, spec = join_networks(
        build_network(heatmap_spec), heatmap_spec, build_network(LIFTER), LIFTER
    )
    assert spec.kind == "egopose"
    assert network(torch.zeros(1, 3, 64, 64))[1].shape == (1, 16, 3)


def test_a_compact_network_is_a_quarter_and_says_nearly_the_same(tmp_path, lifter_file):
    network, spec, _ = load_network(lifter_file)
    path = tmp_path / "compact.safetensors"
    save_network(path, network, spec, {"seed": 7}, compact=True)
    assert path.stat().st_size < 0.27 * lifter_file.stat().st_size
    loaded, found, provenance = load_network(path)
    assert (found, provenance) == (spec, {"seed": 7})
    assert {t.dtype for t in loaded.parameters()} == {torch.float32}
    for (name, before), after in zip(network.named_parameters(), loaded.parameters(), strict=True):
        largest = before.abs().amax()
        rounding = largest * 2**-22  # of float32, in dividing by the step and multiplying with it
        assert (after - before).abs().max() <= largest / 127 / 2 + rounding, name
    maps = torch.rand(4, 15, 8, 8)
    latent, rounded = (each.encoder(maps) for each in (network, loaded))
    assert (rounded - latent).abs().mean() < 0.05 * latent.abs().mean()
    assert weights_digest(loaded) != weights_digest(network)


def test_a_compact_network_without_its_scales_is_refused(tmp_path, lifter_file):
    network, spec, _ = load_network(lifter_file)
    path = tmp_path / "compact.safetensors"
    save_network(path, network, spec, {}, compact=True)
    stored = load_file(path)
    with safe_open(path, "pt") as whole:
        metadata = whole.metadata()
    name = "encoder.7.weight.scales"
    save_file({**stored, name: stored[name][:-1]}, path, metadata)
    with pytest.raises(EgolibError, match=r"no scales that fit encoder\.7\.weight"):
        load_network(path)
    save_file({key: t for key, t in stored.items() if key != name}, path, metadata)
    with pytest.raises(EgolibError, match=r"compact.safetensors: .*no scales"):
        load_network(path)


def test_networks_are_told_apart_by_their_weights(tmp_path):
    networks = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        networks.append(weights_digest(build_network(LIFTER)))
    assert networks[0] == networks[1] != networks[2]


def test_what_an_earlier_design_of_our_own_model_left(tmp_path, lifter_file):
    """The paper's networks hold its keys and load; our own of that time is refused in words."""
    with safe_open(lifter_file, "pt") as stored:
        fields = json.loads(stored.metadata()["spec"])
    fields |= {"refinements": 2, "at_projections": True, "self_attention": True}
    rewrite(lifter_file, spec=json.dumps(fields))
    assert load_network(lifter_file)[1].method == fields["method"]
    rewrite(lifter_file, spec=json.dumps(fields | {"kind": "ours"}))
    with pytest.raises(EgolibError, match="a design that is no longer built"):
        load_network(lifter_file)


def test_a_checkpoint_of_the_five_frame_model_is_refused(lifter_file):
    """All other networks of that time say that they look at one frame, and load."""
    fields = {**LIFTER.__dict__, "frames": 1}
    rewrite(lifter_file, spec=json.dumps(fields))
    assert load_network(lifter_file)[1] == LIFTER
    rewrite(lifter_file, spec=json.dumps(fields | {"kind": "window", "frames": 5}))
    with pytest.raises(EgolibError, match=r"removed; see docs/retired_five_frame_model\.md$") as it:
        load_network(lifter_file)
    assert str(it.value).startswith(f"{lifter_file}: the five-frame model")
    assert (REPOSITORY / "docs" / "retired_five_frame_model.md").is_file()


def test_a_heatmap_network_does_not_know_which_lifter_reads_it():
    other = override(
        PROFILES["quick"], {"lifter": {"method": "martinez", "latent_size": 7}}, "test"
    )
    assert spec_of("heatmaps", other) == spec_of("heatmaps", PROFILES["quick"])
    assert spec_of("ours", other) == spec_of("ours", PROFILES["quick"])
    assert spec_of("lifter", other) != spec_of("lifter", PROFILES["quick"])
