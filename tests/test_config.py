import dataclasses

import pytest

from egolib.config import LIMITS, PROFILES, Stage, load_profile, override, read_overrides
from egolib.experiments.grid import read_grid
from egolib.foundation.errors import EgolibError
from egolib.foundation.render_config import RenderConfig


def test_profiles_by_name():
    assert load_profile("quick").heatmaps.backbone == "resnet18"
    paper = load_profile("paper")
    assert (paper.heatmaps.backbone, paper.heatmaps.image_px) == ("resnet101", 368)
    assert paper.lifter.latent_size == 20
    with pytest.raises(
        EgolibError, match=r"unknown profile 'fast'; known: smoke, quick, study, paper"
    ):
        load_profile("fast")


def test_a_toml_file_overrides_a_profile(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('base = "smoke"\n[lifter]\nlatent_size = 50\nlearning_rate = 1\n')
    profile = load_profile(str(path))
    assert profile.name == "mine"
    assert profile.lifter.latent_size == 50
    assert profile.lifter.learning_rate == 1.0
    assert profile.heatmaps == PROFILES["smoke"].heatmaps


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[lifter]\nlatent = 50", r"mine.toml \[lifter\]: unknown key 'latent'; known keys"),
        ('[lifter]\nepochs = "many"', "epochs = 'many' is not of type int"),
        ("[lifter]\nepochs = 2.5", "epochs = 2.5 is not of type int"),
        ("[lifter]\npose_activations = 1", "is not of type bool"),
        ('[lifter]\nmethod = "triple"', "unknown method 'triple'; known: dual, single, rotation"),
        ('[lifter]\nlimb_terms = "arms"', "unknown limb_terms 'arms'; known: bones, joints"),
        ("lifter = 3", "'lifter' is a table of keys"),
        ('base = "fast"', "unknown base 'fast'"),
        ('name = "x"', "remove the key 'name'"),
        ("base = ", "not a TOML file"),
        ("[lifter]\nepochs = 0", "epochs = 0 is out of range"),
        ('base = ["quick"]', r"unknown base \['quick'\]"),
        ("[heatmaps]\nlearning_rate = inf", "learning_rate = inf is out of range"),
        ("[heatmaps]\nlearning_rate = nan", "learning_rate = nan is out of range"),
        ("[heatmaps]\nlearning_rate = -1e-3", "learning_rate = -0.001 is out of range"),
    ],
)
def test_what_a_toml_file_may_not_say(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(EgolibError, match=message):
        load_profile(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[finetune]\nepochs = 3", ": 'finetune' is called 'end_to_end' now; write that instead"),
        ("[ours]\nepochs = 3", ": 'ours' is called 'ray_model' now; write that instead"),
        (
            "[ray_model]\nuncertainty = false",
            " [ray_model]: 'uncertainty' is called 'expected_error' now; write that instead",
        ),
        (
            "[window]\nframes = 5",
            ': the five-frame model ("window") was removed; see docs/retired_five_frame_model.md',
        ),
    ],
)
def test_a_former_name_is_refused_in_a_line_that_says_what_to_write(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(EgolibError) as caught:
        load_profile(str(path))
    assert str(caught.value) == f"{path}{message}"


def test_a_toml_file_may_not_take_a_built_in_name(tmp_path):
    path = tmp_path / "quick.toml"
    path.write_text("workers = 0")
    with pytest.raises(EgolibError, match="rename the file"):
        load_profile(str(path))


def test_bool_is_not_int():
    with pytest.raises(EgolibError, match="not of type int"):
        override(PROFILES["smoke"], {"workers": True}, "test")


def test_overrides_name_a_profile_of_their_own():
    quick = load_profile("quick")
    changed = load_profile("quick", {"lifter": {"latent_size": 50}})
    assert (changed.lifter.latent_size, changed.name) == (50, "quick-lifter.latent_size=50")
    assert dataclasses.replace(changed, name="quick", lifter=quick.lifter) == quick
    assert load_profile("quick", {"lifter": {"latent_size": quick.lifter.latent_size}}) == quick
    assert load_profile("quick", {}) == quick
    long = {"lifter": {"method": "single", "epochs": 9}, "heatmaps": {"epochs": 9, "image_px": 64}}
    names = {load_profile("quick", long).name, load_profile("smoke", long).name}
    assert len(names) == 2
    assert all(len(name) < 80 and name.isascii() and "/" not in name for name in names)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"lifter": {"latent": 3}}, r"overrides \[lifter\]: unknown key 'latent'"),
        ({"lift": {}}, "overrides: unknown key 'lift'"),
        ({"lifter": 3}, "'lifter' is a table"),
        ({"lifter": {"latent_size": "a"}}, "not of type int"),
        ({"lifter": {"latent_size": 0}}, "out of range"),
        ({"name": "x"}, "remove the key 'name'"),
        ("[1]", "not a dict"),
        ("{lifter", "not JSON"),
        (3, "not a dict"),
    ],
)
def test_wrong_overrides_are_one_line(overrides, message):
    with pytest.raises(EgolibError, match=message) as caught:
        load_profile("quick", read_overrides(overrides))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "stem", ["..", "...", "published", "a b", "a$b", "a\nb", "{seed}", "*", "-x"]
)
def test_the_name_of_a_profile_becomes_one_folder(tmp_path, stem):
    path = tmp_path / f"{stem}.toml"
    path.write_text('base = "smoke"\n')
    with pytest.raises(EgolibError, match="cannot be used for a folder"):
        load_profile(str(path))
    path.write_text('base = "smoke"\n[methods.oracle]\nlifter.trained_on = "true"\n')
    with pytest.raises(EgolibError, match="cannot be used for a folder"):
        read_grid(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("workers = 1000000000000", "workers = 1000000000000 is out of range: 0 to 256"),
        ("[heatmaps]\nimage_px = 1000000", "image_px = 1000000 is out of range"),
        ("[heatmaps]\nsigma_px = 1e300", "sigma_px = 1e.300 is out of range"),
        ("[lifter]\nlatent_size = 10000000", "latent_size = 10000000 is out of range"),
        ("[render]\ntrain_frames = 1000000000000", "train_frames = 1000000000000 is out of range"),
        ("[render]\nscale = 1e-9", "scale = 1e-09 is out of range"),
        ("[lifter]\nepochs = " + "9" * 400, "is out of range"),
        ("[heatmaps]\nsigma_px = " + "9" * 400, "sigma_px = inf is out of range"),
        ("a = " + "[" * 5000, "not a TOML file"),
        ("\ufeff[lifter]\nepochs = 0", "epochs = 0 is out of range"),
    ],
)
def test_counts_and_sizes_of_a_profile_have_limits(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(EgolibError, match=message) as caught:
        load_profile(str(path))
    assert "\n" not in str(caught.value)


def test_every_number_of_a_profile_has_limits():
    names = {
        field.name
        for config in (RenderConfig(), *(getattr(PROFILES["quick"], stage) for stage in Stage))
        for field in dataclasses.fields(config)
        if type(getattr(config, field.name)) in (int, float)
    }
    assert names | {"workers"} == LIMITS.keys()
