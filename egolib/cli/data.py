"""Verbs for the data: official parts, tree, audit and shards, and the miniature."""

import dataclasses
from pathlib import Path

from egolib.cli import options as common
from egolib.config import DEFAULT_PROFILE, LARGEST_SEED, LIMITS, load_profile
from egolib.data.official.release import URL
from egolib.foundation.errors import EgolibError
from egolib.skeleton import SPLIT_FOLDERS


def add_verbs(verbs):
    """Add the parsers of these verbs."""
    option = common.add_verb(verbs, _download, resumes=True).add_argument
    option("out", type=Path)
    common.add_choice_of_characters(option)
    option("--url", default=URL, help="a mirror; else the release on GitHub")
    option("--workers", type=common.between(1, 64), default=4, help="parts at a time; default: 4")

    option = common.add_verb(verbs, _extract, resumes=True).add_argument
    option("folder", type=Path, metavar="IN", help="the parts, also in sub-folders")
    option("out", type=Path)
    common.add_choice_of_characters(option)
    workers = "characters at a time; else one a core, at most 8"
    option("--workers", type=common.between(1, 256), help=workers)
    option("--delete-parts", action="store_true", help="of every character that is verified")

    option = common.add_verb(verbs, _audit, resumes=True).add_argument
    option("tree", type=Path)
    option("--out", type=Path, metavar="DIR", help="else TREE/audit, where training looks")
    option("--network", type=Path, metavar="CKPT", help="to find drift; else stage 1 of quick")
    common.add_workers(option, "processes")
    splits = list(SPLIT_FOLDERS)
    option("--split", choices=splits, nargs="+", default=splits)

    pack = common.add_verb(verbs, _pack, resumes=True)
    option = pack.add_argument
    option("tree", type=Path)
    option("out", type=Path)
    side = "side of the squares; else 368, as in the paper, or the tree's own if that is smaller"
    option("--px", type=common.between(32, 800), help=side)
    option("--encoding", choices=("jpeg", "png"), default="jpeg")
    option("--quality", type=common.between(1, 100), default=95, help="of JPEG; default: 95")
    common.add_workers(option, "threads a machine")
    common.add_machines(pack)

    common.add_verb(verbs, _verify).add_argument("packed", type=Path)

    option = common.add_verb(verbs, _render, resumes=True).add_argument
    option("out", type=Path)
    option("--profile", default=DEFAULT_PROFILE, help="how many frames, how large")
    option(
        "--scale",
        type=common.number(*LIMITS["scale"]),
        help="fraction of 1280x800; 1.0 is the official size",
    )
    option("--motion", metavar="DIR", help="motion capture: <clip>*.bvh replaces or adds a clip")
    option("--seed", type=common.between(0, LARGEST_SEED), default=0)
    common.add_workers(option, "processes")
    common.add_shard(option)


def _download(options):
    """Fetch the parts of the official archives."""
    from egolib.data.official.download import download

    fetched = download(options.out, options.characters, options.sets, options.url, options.workers)
    print(f"Fetched {fetched} parts; all are in {options.out}")


def _extract(options):
    """Extract the official archive parts to a tree of frames."""
    from egolib.data.official.archives import extract

    chosen = (options.characters, options.sets)
    extracted = extract(options.folder, options.out, *chosen, options.workers, options.delete_parts)
    print(f"Extracted {extracted} characters; all that were asked for are in {options.out}")


def _audit(options):
    """Find what is wrong with a copy of the data; nothing is deleted."""
    from egolib.audit import audit_tree, headline
    from egolib.data.exclusions import excluded_path
    from egolib.experiments.run import miniature_network

    network = options.network or miniature_network
    audit = audit_tree(options.tree, options.out, network, options.workers, options.split)
    if len(audit.defects):
        print(audit.defects[["findings", "characters", "consequence"]].to_string())
    print(headline(audit))
    print(f"Look at {audit.page}")
    if options.out:
        print(f"Training does not read the exclusion list there, but {excluded_path(options.tree)}")


def _pack(options):
    """Pack a tree as square crops in shards, which load fast."""
    from egolib.data.packing import pack_tree, submit_pack

    settings = {"px": options.px, "encoding": options.encoding, "quality": options.quality}
    tree, out, workers = options.tree, options.out, options.workers
    if options.submit:
        machines = (options.submit, options.executor, dict(options.slurm))
        missing = submit_pack(*machines, tree, out, workers, **settings)
    else:
        missing = pack_tree(tree, out, workers, options.shard, **settings)
    print(f"{options.out}: {len(missing)} shards are still to come" if missing
          else f"{options.out}: complete; train with --data {options.out}")  # fmt: skip


def _verify(options):
    """Read every byte of a pack and name what is damaged."""
    from egolib.data.packing import verify_pack

    findings = verify_pack(options.packed)
    print("\n".join(findings) or f"{options.packed}: every image and label is as it was packed")
    if findings:
        raise EgolibError(
            f"{options.packed}: {len(findings)} files are damaged; delete them and run "
            "`egolib pack` again, which makes only what is missing"
        )


def _render(options):
    """Write the embedded miniature to a folder."""
    from egolib.data.miniature import render_miniature

    changes = {key: getattr(options, key) for key in ("scale", "motion")}
    changes = {key: value for key, value in changes.items() if value is not None}
    config = dataclasses.replace(load_profile(options.profile).render, **changes)
    render_miniature(options.out, config, options.seed, options.workers, options.shard)
