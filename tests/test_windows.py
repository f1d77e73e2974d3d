"""Our model with a look back: it never sees a later frame, nor another sequence."""

import dataclasses

import numpy as np
import pytest
import torch

from egolib.checkpoints import load_network
from egolib.config import override
from egolib.dataset import FrameDataset, normalise
from egolib.errors import EgolibError
from egolib.evaluation import device, predict_index
from egolib.frames import index_tree, select
from egolib.models import Lifted
from egolib.ourlosses import spread_loss
from egolib.raypose import LEAST_SPREAD_M, WIDTH
from egolib.study import Study
from egolib.windows import TOKEN, WindowPose, tokens_of, window_positions


@pytest.fixture(scope="module")
def index(shared_toy_tree):
    return index_tree(shared_toy_tree, "train")


@pytest.fixture
def lifter():
    torch.manual_seed(0)
    network = WindowPose(torch.nn.Identity(), frames=5).eval()
    torch.nn.init.normal_(network.end[1].weight)
    return network


def test_windows_hold_neighbours_of_one_sequence(index):
    windows = window_positions(index, 5)
    assert (windows[:, -1] == np.arange(len(index))).all()
    for row in windows:
        assert len(set(index.folder_ids[row])) == len(set(index.clip_ids[row])) == 1
        assert set(np.diff(index.numbers[row])) <= {0, 1}
    starts = np.flatnonzero(windows[:, 0] == windows[:, -1])
    assert len(starts) == 4  # two characters, two clips each
    assert (windows[starts[1] + 2] == starts[1] + np.array([0, 0, 0, 1, 2])).all()
    assert (windows[starts[1] + 6] == starts[1] + np.array([2, 3, 4, 5, 6])).all()


def test_a_gap_ends_a_window(index):
    holed = select(index, np.delete(np.arange(len(index)), 4))
    after = window_positions(holed, 5)[4]  # frame 5 of the first sequence
    assert holed.numbers[4] == 5
    assert (after == 4).all()


def test_frames_of_every_other_number_are_neighbours(index):
    sparse = select(index, np.arange(0, len(index), 2))
    numbers = sparse.numbers[window_positions(sparse, 3)]
    assert (np.diff(numbers[2]) == 2).all()


def test_a_later_frame_changes_nothing(lifter):
    tokens = torch.randn(12, 16, TOKEN)
    changed = tokens.clone()
    changed[8] += 1
    windows = np.maximum(np.arange(12)[:, None] - np.arange(4, -1, -1), 0)
    before, after = (lifter.lift(t[windows]).pose_m for t in (tokens, changed))
    assert torch.equal(before[:8], after[:8])
    assert not torch.allclose(before[8:], after[8:], atol=1e-3)


def test_it_starts_as_the_network_for_one_picture():
    network = WindowPose(torch.nn.Identity(), frames=5).eval()
    tokens = torch.randn(3, 5, 16, TOKEN)
    tokens[..., -1] = 0.01 + tokens[..., -1].abs()
    lifted = network.lift(tokens)
    assert torch.equal(lifted.camera_m, tokens[:, -1, :, WIDTH : WIDTH + 3])
    assert torch.equal(lifted.spread_m, tokens[:, -1, :, -1])


def test_a_joint_that_is_never_wrong_does_not_lose_the_loss():
    """The neck is the origin of what is compared: zero error, frame after frame."""
    network = WindowPose(torch.nn.Identity(), frames=5).eval()
    torch.nn.init.constant_(network.end[1].bias, -1000)
    spread_m = network.lift(torch.full((2, 5, 16, TOKEN), 0.05)).spread_m
    assert (spread_m == LEAST_SPREAD_M).all()
    assert torch.isfinite(spread_loss(spread_m, torch.zeros(2, 16)))


def test_without_uncertainty_it_expects_no_error():
    network = WindowPose(torch.nn.Identity(), frames=5, uncertainty=False).eval()
    assert network.lift(torch.zeros(3, 5, 16, TOKEN)).spread_m is None


@pytest.fixture(scope="module")
def study(shared_toy_tree, toy_profile, tmp_path_factory):
    changes = {"ours": {"epochs": 2}, "window": {"epochs": 3, "batch_size": 8}}
    profile = override(toy_profile, changes, "test")
    results = tmp_path_factory.mktemp("window")
    study = Study(profile, "", 0, shared_toy_tree, results, renders=False)
    for stage in ("ours", "window"):
        study.train(stage)
    return study


def test_training_leaves_the_network_for_one_picture_as_it_was(study):
    network, spec, provenance = load_network(study.checkpoint("window"), ["window"])
    alone = load_network(study.checkpoint("ours"))[0].state_dict()
    assert all(torch.equal(alone[name], t) for name, t in network.image_net.state_dict().items())
    assert (spec.kind, spec.frames) == ("window", 5)
    predictions = predict_index(network, spec, study.index("val"))
    best = provenance["best"]["val_mpjpe_mm"]
    assert predictions.errors_mm.mean() == pytest.approx(best, rel=1e-2)
    assert (predictions.spread_mm > 0).all()


def test_pictures_one_after_the_other_are_what_batches_are(study):
    """Live, with the tokens of the last four kept, as over a split in batches of any size."""
    network, spec = study.network("window")
    index = select(study.index("test"), slice(0, 7))
    whole = predict_index(network, spec, index)
    small = predict_index(network, spec, index, batch_size=2)
    assert np.allclose(whole.predicted_m, small.predicted_m, atol=1e-4)
    earlier = None
    for sample, expected in zip(FrameDataset(index, 64), whole.predicted_m, strict=False):
        images = normalise(sample["image"][None]).to(device())
        with torch.inference_mode():
            lifted = Lifted(*network(images, earlier)[1:])
        assert np.allclose(lifted.pose_m[0], expected, atol=1e-4)
        now = lifted.features[:, None]
        earlier = (
            now.expand(-1, 4, -1, -1) if earlier is None else torch.cat([earlier, now], 1)[:, 1:]
        )


def test_tokens_hold_what_a_picture_says(study):
    network, _ = study.network("ours")
    found = np.asarray(study.tokens("val").found, np.float32)
    batch = FrameDataset(study.index("val"), 64).__getitems__([0, 1])
    with torch.inference_mode():
        expected = tokens_of(Lifted(*network(normalise(batch["image"]))[1:]))
    assert found.shape == (16, 16, TOKEN)
    assert np.allclose(found[:2], expected, rtol=2e-3, atol=2e-3)


def test_another_model_is_refused(study, tmp_path):
    changed = override(study.profile, {"ours": {"uncertainty": False}}, "test")
    with pytest.raises(EgolibError, match="has uncertainty = True, the profile asks for False"):
        dataclasses.replace(study, profile=changed).train("window")
