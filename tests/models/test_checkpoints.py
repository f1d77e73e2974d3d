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
    FORMAT,
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
    assert torch.equal(loaded(maps).joints_rel_m, network(maps).joints_rel_m)
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
    assert torch.equal(loaded(maps).joints_rel_m, network(maps).joints_rel_m)


def rewrite(path, tensors=None, **metadata):
    stored = load_file(path)
    if tensors:
        stored.update(tensors)
    spec = {"format": FORMAT, "spec": json.dumps(LIFTER.__dict__), "provenance": "{}"}
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
    assert torch.equal(loaded(maps).joints_rel_m, network(maps).joints_rel_m)


# {kind of today: (kind in the format egolib-2, {beginning of a tensor's name: what it was})}
FORMER_NAMES = {
    "heatmaps": ("heatmaps", {"backbone.": "trunk."}),
    "end_to_end": (
        "egopose", {"heatmap_network.backbone.": "heatmap_net.trunk.",
                    "heatmap_network.": "heatmap_net."},
    ),
    "ray_model": (
        "ours", {"backbone.": "trunk.", "cell_scores.": "scores.",
                 "elsewhere_scores.": "elsewhere.", "placement.": "first.",
                 "joint_features.": "of_joints.", "ray_features.": "along_ray.",
                 "correction.": "nearer.", "expected_error.": "spread.",
                 "pyramid.lateral.": "pyramid.sides."},
    ),
}  # fmt: skip


def save_under_former_names(source, path):
    """The checkpoint `source` as the format egolib-2 called everything in it."""
    with safe_open(source, "pt") as stored:
        metadata = stored.metadata()
    fields = json.loads(metadata["spec"])
    kind, former = FORMER_NAMES[fields["kind"]]
    fields |= {"kind": kind, "uncertainty": fields.pop("expected_error")}
    tensors, used = {}, set()
    for name, tensor in load_file(source).items():
        begins = next((new for new in former if name.startswith(new)), "")
        used.add(begins)
        tensors[former.get(begins, "") + name.removeprefix(begins)] = tensor
    assert former.keys() - used <= ({"expected_error."} if not fields["uncertainty"] else set())
    save_file(tensors, path, {**metadata, "format": "egolib-2", "spec": json.dumps(fields)})


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("heatmaps", {}),
        ("end_to_end", {"method": "rotation"}),
        ("ray_model", {}),
        ("ray_model", {"expected_error": False, "early_features": False}),
    ],
)
def test_a_checkpoint_under_former_names_gives_the_same_outputs(tmp_path, kind, parts, compact):
    spec = NetworkSpec(kind, "resnet18", 64, 1.0, **parts)
    torch.manual_seed(0)
    network = build_network(spec).eval()
    for parameter in network.parameters():  # also those that are zero at first
        torch.nn.init.normal_(parameter, std=0.05)
    save_network(tmp_path / "now.safetensors", network, spec, {"seed": 7}, compact)
    save_under_former_names(tmp_path / "now.safetensors", tmp_path / "then.safetensors")
    if compact:
        network, *_ = load_network(tmp_path / "now.safetensors")
    loaded, found, provenance = load_network(tmp_path / "then.safetensors", [kind])
    assert (found, provenance) == (spec, {"seed": 7})
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        output, expected = loaded(images), network(images)
    for field in dataclasses.fields(expected):
        one, other = getattr(output, field.name), getattr(expected, field.name)
        assert (one is None) == (other is None), field.name
        assert one is None or torch.equal(one, other), field.name


def test_former_names_are_those_of_the_former_format_alone(tmp_path):
    """A file of today's format that uses them is not one that egolib wrote."""
    spec = NetworkSpec("heatmaps", "resnet18", 64, 1.0)
    path = tmp_path / "heatmaps.safetensors"
    save_network(path, build_network(spec), spec, {})
    save_under_former_names(path, path)
    fields = {**spec.__dict__, "kind": "egopose"}
    metadata = {"format": FORMAT, "spec": json.dumps(fields), "provenance": "{}"}
    save_file(load_file(path), path, metadata)
    with pytest.raises(EgolibError, match="unknown kind 'egopose'; known: heatmaps, lifter"):
        load_network(path)
    save_file(load_file(path), path, {**metadata, "spec": json.dumps(spec.__dict__)})
    with pytest.raises(EgolibError, match=r"tensors do not fit .*backbone\.0\.weight"):
        load_network(path)


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
    with pytest.raises(EgolibError, match=r"encoder\.11\.weight is .*expected"):
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
    assert spec.kind == "end_to_end"
    assert network(torch.zeros(1, 3, 64, 64)).joints_rel_m.shape == (1, 16, 3)


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


def test_what_an_earlier_design_of_the_ray_model_left(lifter_file):
    """The paper's networks hold its keys and load; the ray model of that time is refused in words."""
    with safe_open(lifter_file, "pt") as stored:
        fields = json.loads(stored.metadata()["spec"])
    fields |= {"refinements": 2, "at_projections": True, "self_attention": True}
    rewrite(lifter_file, format="egolib-2", spec=json.dumps(fields))
    assert load_network(lifter_file)[1].method == fields["method"]
    rewrite(lifter_file, format="egolib-2", spec=json.dumps(fields | {"kind": "ours"}))
    with pytest.raises(EgolibError, match="a design that is no longer built"):
        load_network(lifter_file)


def test_a_checkpoint_of_the_five_frame_model_is_refused(lifter_file):
    """All other networks of that time say that they look at one frame, and load."""
    fields = {**LIFTER.__dict__, "frames": 1}
    rewrite(lifter_file, format="egolib-2", spec=json.dumps(fields))
    assert load_network(lifter_file)[1] == LIFTER
    window = json.dumps(fields | {"kind": "window", "frames": 5})
    rewrite(lifter_file, format="egolib-2", spec=window)
    with pytest.raises(EgolibError, match=r"removed; see docs/retired_five_frame_model\.md$") as it:
        load_network(lifter_file)
    assert str(it.value).startswith(f"{lifter_file}: the five-frame model")
    assert (REPOSITORY / "docs" / "retired_five_frame_model.md").is_file()


def test_a_heatmap_network_does_not_know_which_lifter_reads_it():
    other = override(
        PROFILES["quick"], {"lifter": {"method": "martinez", "latent_size": 7}}, "test"
    )
    assert spec_of("heatmaps", other) == spec_of("heatmaps", PROFILES["quick"])
    assert spec_of("ray_model", other) == spec_of("ray_model", PROFILES["quick"])
    assert spec_of("lifter", other) != spec_of("lifter", PROFILES["quick"])


def change_metadata(path, **entries):
    """Change entries of the description of a checkpoint, or its `spec` for a dict."""
    with safe_open(path, "pt") as stored:
        metadata = stored.metadata()
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    for name, value in entries.items():
        if isinstance(value, dict):
            value = json.dumps(json.loads(metadata[name]) | value)
        metadata[name] = value
    save_file(tensors, path, metadata)


@pytest.mark.parametrize(
    "entries",
    [
        *(
            {"spec": {"image_px": value}}
            for value in ("64", -64, 10**9, 10**400, 64.0, True, None, [])
        ),
        *({"spec": {"sigma_px": value}} for value in ("x", 0, -1, 1e300, True)),
        *({"spec": {"latent_size": value}} for value in ("20", -3, 10**7, 10**8, 20.5)),
        *({"spec": {"method": value}} for value in (None, 1, [], "other")),
        *({"spec": {"pose_activations": value}} for value in (1, "true", None)),
        *(
            {"spec": value}
            for value in ("[]", "null", "[" * 10**5, "", '{"kind": "lifter"}', '{"sigma_px": NaN}')
        ),
        *({"provenance": value} for value in ("[1]", "null", "1", "[" * 10**5)),
        *({"joints": value} for value in ("null", '{"a": 1}', "[[[]]]", '["\\ud800"]', "[1, 2]")),
        {"format": ""},
    ],
    ids=str,
)
def test_a_description_that_is_not_ours_is_one_line(lifter_file, entries):
    change_metadata(lifter_file, **entries)
    with pytest.raises(EgolibError, match=str(lifter_file)) as caught:
        load_network(lifter_file)
    assert "\n" not in str(caught.value)


def test_a_description_does_not_decide_how_much_memory_is_taken(lifter_file):
    change_metadata(lifter_file, spec={"latent_size": 2**14, "image_px": 2048})
    with pytest.raises(EgolibError, match="tensors do not fit the network that it describes"):
        load_network(lifter_file)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.fill_(float("nan")), "not finite"),
        (lambda t: t.fill_(float("inf")), "not finite"),
        (lambda t: t.to(torch.int32), "expected torch.float32"),
        (lambda t: t.bool(), "expected torch.float32"),
        (lambda t: t.to(torch.complex64), "expected torch.float32"),
    ],
)
def test_weights_that_would_spoil_every_prediction(lifter_file, change, reason):
    name = "pose_branch.0.weight"
    rewrite(lifter_file, {name: change(load_file(lifter_file)[name])})
    with pytest.raises(EgolibError, match=rf"pose_branch\.0\.weight .*{reason}"):
        load_network(lifter_file)


def test_a_pointer_of_git_lfs_is_named(tmp_path):
    path = tmp_path / "lifter.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(EgolibError, match="git lfs pull"):
        load_network(path)
