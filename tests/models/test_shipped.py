"""The network that comes with egolib is the one that its card describes."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from egolib.experiments.shipping import CARD, MOST_BYTES
from egolib.headset.deploy.estimator import Estimator
from egolib.headset.deploy.runtimes import calibration_path
from egolib.models.checkpoints import load_network, shipped_network


def test_the_shipped_network_is_the_one_on_its_card():
    path = shipped_network()
    content, card = path.read_bytes(), path.with_name(CARD).read_text()
    assert f"| sha256 | `{hashlib.sha256(content).hexdigest()}` |" in card
    assert f"| file | `{path.name}`, {len(content) / 1e6:.1f} MB |" in card
    shipped = [each for each in (path, calibration_path(path)) if each.is_file()]
    assert sum(each.stat().st_size for each in shipped) < MOST_BYTES
    assert calibration_path(path).is_file() == ("used where it is the fastest" in card)
    _, spec, provenance = load_network(path)
    assert provenance["compact_of"] in card
    assert spec.kind == "ray_model"


@torch.inference_mode()
def test_the_shipped_network_gives_the_poses_on_record():
    """Computed at commit 1225a0f, before modules, tensors and outputs were renamed."""
    network, spec, _ = load_network(shipped_network())
    size = (8, spec.image_px, spec.image_px, 3)
    squares = np.random.default_rng(5).integers(0, 256, size, dtype=np.uint8)
    outputs = Estimator(network, spec.image_px).eval()(torch.from_numpy(squares))
    with np.load(Path(__file__).parents[1] / "golden" / "shipped_poses.npz") as recorded:
        assert outputs.keys() == set(recorded.files)
        for name, expected in recorded.items():
            tolerance = 0.02 if name == "joints_px" else 1e-4
            np.testing.assert_allclose(
                outputs[name].numpy(), expected, atol=tolerance, err_msg=name
            )
