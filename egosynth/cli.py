"""The command `egosynth`: render a tree in the official layout, without egolib's training."""

import argparse
import dataclasses
import sys
from pathlib import Path

from egolib.foundation.errors import EgolibError
from egolib.foundation.render_config import RenderConfig


def main(arguments=None):
    """Entry point. Returns the exit code: 0, 2 for bad input, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="egosynth", description=__doc__)
    parser.add_argument("out", type=Path)
    for setting in dataclasses.fields(RenderConfig):
        option = f"--{setting.name.replace('_', '-')}"
        help_text = f"default: {setting.default}" if setting.default else None
        parser.add_argument(option, type=setting.type, default=setting.default, help=help_text)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, help="processes; else one a core")
    options = vars(parser.parse_args(arguments))
    out, seed, workers = (options.pop(name) for name in ("out", "seed", "workers"))
    from egosynth.tree import render_tree  # Warp and Anny take seconds to import

    try:
        render_tree(out, RenderConfig(**options), seed, workers)
    except EgolibError as error:
        print(f"egosynth: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("egosynth: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
