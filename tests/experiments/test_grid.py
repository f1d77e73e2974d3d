"""What a sweep consists of is known, or refused, before anything runs."""

import pytest

from egolib.config import LIFTER_METHODS
from egolib.experiments.grid import Ablation, read_grid
from egolib.experiments.sweep import GRIDS
from egolib.foundation.errors import EgolibError

GONE = r'the five-frame model \("window"\) was removed; see docs/retired_five_frame_model\.md$'


def grid(folder, text):
    path = folder / "mine.toml"
    path.write_text(text)
    return read_grid(path)


def test_variations_of_keys_share_what_is_the_same(tmp_path):
    found = grid(tmp_path, """
        base = "smoke"
        seeds = [3, 4]
        [methods.plain]
        [methods.tuned]
        stage = "end_to_end"
        [ablations.latent]
        key = "lifter.latent_size"
        values = [20, 50]
        seeds = [4]
        [ablations.sigma]
        key = "heatmaps.sigma_px"
        values = [1, 2.0]
        [ablations.latent_again]
        key = "lifter.latent_size"
        values = [50]
        seeds = [4, 7]
        [ablations.parts]
        key = "ray_model.early_features"
        values = [true, false]
        with = { stage = "ray_model", ray_model.epochs = 3, heatmaps.image_px = 128 }
        """)  # fmt: skip
    assert list(found.variations) == [
        "plain",
        "tuned",
        "lifter.latent_size=50",
        "heatmaps.sigma_px=2.0",
        "ray_model.early_features=True_stage=ray_model_ray_model.epochs=3_heatmaps.image_px=128",
        "ray_model.early_features=False_stage=ray_model_ray_model.epochs=3_heatmaps.image_px=128",
    ]
    parts = [found.variations[name] for name in found.ablations["parts"].names.values()]
    assert [part.profile.ray_model.early_features for part in parts] == [True, False]
    assert {(part.stage, part.profile.ray_model.epochs) for part in parts} == {("ray_model", 3)}
    assert found.variations["tuned"].folder == "plain"
    assert found.variations["lifter.latent_size=50"].seeds == (4, 7)  # of both who ask for it
    assert found.variations["plain"].seeds == (3, 4)
    names = {20: "plain", 50: "lifter.latent_size=50"}
    assert found.ablations["latent"] == Ablation("lifter.latent_size", names)
    assert found.ablations["sigma"].names[1] == "plain"
    assert found.ablations["parts"].fixed == (
        "stage=ray_model",
        "ray_model.epochs=3",
        "heatmaps.image_px=128",
    )
    networks = {name: v.heatmaps_name for name, v in found.variations.items()}
    assert (
        networks["plain"] == networks["lifter.latent_size=50"] != networks["heatmaps.sigma_px=2.0"]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no methods and no ablations"),
        ("seed = 1\n[methods.a]", "unknown key 'seed'; known keys: base, seeds, methods, ablations"),
        ("seeds = [-1]\n[methods.a]", r"seeds = \[-1\] is not a list of whole numbers"),
        ("seeds = [4294967296]\n[methods.a]", "whole numbers from 0 to 4294967295"),
        ("seeds = 3\n[methods.a]", "seeds = 3 is not a list"),
        ('base = "fast"\n[methods.a]', "unknown profile 'fast'"),
        ("[methods.a]\nlifter.latent = 3", r"\[methods.a\] \[lifter\]: unknown key 'latent'"),
        ('[methods.a]\nlifter.method = "x"', "unknown method 'x'; known: dual"),
        ("[methods.a]\nstage = 1", "unknown stage 1; known: lifter, end_to_end, ray_model"),
        ('[methods.a]\nstage = "window"', r"mine\.toml \[methods\.a\]: " + GONE),
        ('[ablations.a]\nkey = "stage"\nvalues = ["ray_model", "window"]', GONE),
        ("[methods.a]\nwindow.frames = 3", GONE),
        ('[methods.a]\nstage = "finetune"', "'finetune' is called 'end_to_end' now; write that"),
        ('[methods.a]\nstage = "ours"', "'ours' is called 'ray_model' now; write that"),
        ("[methods.a]\nours.epochs = 3", "'ours' is called 'ray_model' now; write that"),
        ('[methods.dual_finetuned]\nstage = "end_to_end"', "is called 'end_to_end' now"),
        ("[methods.a]\nrender.scale = 0.5", "'render' cannot vary"),
        ("[methods]\na = 3", r"\[methods.a\] is not a table"),
        ("[methods.a]\n[methods.b]", r"\[methods.b\]: the same as \[methods.a\]"),
        ('base = "quick"\n[methods.dual]', 'needs lifter.trained_on = "detected" to stand beside'),
        ("[methods.oracle]", 'needs lifter.trained_on = "true" to stand beside'),
        ('[methods."../a"]', "is not a table named like a word"),
        ("[ablations]\na = 3", r"\[ablations.a\] is not a table"),
        ('[ablations.a]\nkey = "lifter.epochs"\nvalues = [[1]]', r"\[1\] is not one value"),
        ('[ablations.a]\nkey = "lifter.epochs"', "needs the keys 'key' and 'values'"),
        ('[ablations.a]\nkey = "lifter.epoch"\nvalues = [1]', "unknown key 'epoch'"),
        ('[ablations.a]\nkey = "lifter.epochs"\nvalues = ["x"]', "epochs = 'x' is not of type int"),
        ('[ablations.a]\nkey = "lifter"\nvalues = [1]', "'lifter' is a table of keys"),
        ("[methods", "not a TOML file"),
    ],
)  # fmt: skip
def test_what_a_grid_may_not_say(tmp_path, text, message):
    with pytest.raises(EgolibError, match=message) as caught:
        grid(tmp_path, text)
    assert "mine.toml" in str(caught.value) or "profile" in str(caught.value)


def test_a_missing_grid_is_named(tmp_path):
    with pytest.raises(EgolibError, match=r"none\.toml: no such file"):
        read_grid(tmp_path / "none.toml")


def test_the_studys_grid_holds_every_method_and_question():
    found = read_grid(GRIDS / "study.toml")
    methods = {found.variations[name].profile.lifter.method for name in found.methods}
    assert methods == set(LIFTER_METHODS)
    # Each row is called as the method whose error it has.
    assert {name: found.variations[name].method for name in found.methods} == {
        name: name for name in (*LIFTER_METHODS, "oracle", "end_to_end", "ray_model")
    }
    keys = {ablation.key for ablation in found.ablations.values()}
    assert keys == {
        "lifter.latent_size", "lifter.limb_terms", "lifter.pose_activations", "stage",
        "heatmaps.sigma_px", "heatmaps.image_px", "heatmaps.backbone",
        "ray_model.early_features", "ray_model.expected_error", "ray_model.augment",
    }  # fmt: skip
    assert all(len(found.variations[name].seeds) == 3 for name in found.methods)
    values = {title: list(ablation.names) for title, ablation in found.ablations.items()}
    assert values["latent_size"] == [10, 20, 50, 100]
    assert values["limb_terms"] == ["bones", "joints"]
    assert values["end_to_end"] == ["lifter", "end_to_end"]
    assert all(len(set(each)) > 1 for each in values.values())
