"""The embedded miniature. No other module of egolib imports the data engine, `egosynth`, so a user
who has the official data does not need it."""

from pathlib import Path

from egolib.foundation.provenance import without_effect
from egolib.foundation.render_config import RenderConfig
from egolib.foundation.untrusted import load_json

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
    # Anny and Warp take seconds to import, so they are imported only for rendering.
    from egosynth import render_tree

    render_tree(tree, config, seed, workers, shard)


def description(tree: Path) -> dict:
    """How a tree was rendered: "object_ids" {name: id}, "depth_unit_m" and others; {} for data that
    egosynth did not render. Raises EgolibError for a file that is not json."""
    path = Path(tree) / DESCRIPTION_FILE
    return load_json(path, remedy="render the tree again") if path.is_file() else {}
