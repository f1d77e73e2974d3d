"""The network that comes with egolib is the one that its card describes."""

import hashlib

from egolib.experiments.shipping import CARD, MOST_BYTES
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
