"""The embedded miniature. This is the one place that reaches the data engine, `egosynth`: a user who
has the official data can do without it."""

import dataclasses
import json
from pathlib import Path

from egolib.config import RenderConfig
from egolib.foundation.provenance import without_effect

DESCRIPTION_FILE = "miniature.json"  # of a tree that egosynth rendered


@without_effect  # what is rendered is in the fingerprints of the data
def render_miniature(
    tree: Path,
    config: RenderConfig,
    seed: int,
    workers: int | None = None,
    shard: tuple[int, int] = (1, 1),
) -> None:
    """Render what is missing of the miniature below `tree`.

    `workers` and `shard` as in egosynth.render_tree. Raises EgolibError as it does.
    """
    # Anny and Warp take seconds to import: only who renders pays for them.
    from egosynth import RenderSettings, render_tree

    render_tree(tree, RenderSettings(**dataclasses.asdict(config)), seed, workers, shard)


def description(tree: Path) -> dict:
    """What a tree says of how it was rendered: "object_ids" {name: id}, "depth_unit_m" and others;
    {} for data that egosynth did not render."""
    path = Path(tree) / DESCRIPTION_FILE
    return json.loads(path.read_text()) if path.is_file() else {}
