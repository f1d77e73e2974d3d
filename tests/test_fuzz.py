"""Every reader of files from outside takes a fixed number of damaged inputs: an answer or one line."""

import pytest
from fuzz import fuzz, parsers

from egolib.data.packing import pack_tree

# How many inputs a reader takes here, by the first word of its name: all together about a minute. By
# hand there is no limit (tests/fuzz.py).
INPUTS = {
    "labels": 1500, "calibration": 700, "bvh": 600, "checkpoint": 120, "poses": 900, "score": 250,
    "profile": 1500, "image": 700, "still": 700, "pack": 60,
}  # fmt: skip
NAMES = [
    *(name for name in INPUTS if name != "pack"),
    *(f"pack {name}" for name in ("pack.json", "checksums.json", "train/folder_ids.npy",
                                  "train/joints_3d_m.npy", "train/00000.shard")),
]  # fmt: skip


@pytest.fixture(scope="module")
def readers(shared_toy_tree, tmp_path_factory):
    pack = tmp_path_factory.mktemp("fuzz") / "pack"
    pack_tree(shared_toy_tree, pack, px=64, frames_per_shard=7)
    return parsers(pack)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_end_in_one_line(readers, name):
    inputs = INPUTS[name.split()[0]]
    failures = [each for each in fuzz(name, readers[name], seed=0, inputs=inputs) if each[1]]
    assert not failures, f"{len(failures)} of {inputs}: {failures[0][1]}\n{failures[0][0][:500]!r}"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_damaged_is_read(readers, name, tmp_path):
    for i, seed in enumerate(readers[name].seeds):
        path = tmp_path / f"{i}{readers[name].suffix}"
        path.write_bytes(seed)
        assert readers[name].read(path) is not None


def test_inputs_are_the_same_for_the_same_seed(readers):
    first, second = ([c for c, _ in fuzz("labels", readers["labels"], 3, 20)] for _ in range(2))
    assert first == second
    assert len({*first}) > 15
