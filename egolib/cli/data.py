"""Verbs of the data: official parts -> tree -> audit -> shards; and the miniature."""

import dataclasses
from pathlib import Path

from egolib.cli import options as common
from egolib.config import DEFAULT_PROFILE, load_profile
from egolib.data.official.release import URL
from egolib.foundation.errors import EgolibError
from egolib.skeleton import SPLIT_FOLDERS


def add_verbs(verbs):
    """Add the parsers of these verbs."""
    download = common.add_verb(verbs, _download, resumes=True)
    option = download.add_argument
    option("out", type=Path)
    common.add_choice_of_characters(download)
    option("--url", default=URL, help="a mirror; else the release on GitHub")
    option("--workers", type=common.count, default=4, help="parts at a time; default: 4")

    extract = common.add_verb(verbs, _extract, resumes=True)
    option = extract.add_argument
    option("folder", type=Path, metavar="IN", help="the parts, also in sub-folders")
    option("out", type=Path)
    common.add_choice_of_characters(extract)
    option("--workers", type=common.count, help="characters at a time; else one a core, at most 8")
    option("--delete-parts", action="store_true", help="of every character that is verified")

    audit = common.add_verb(verbs, _audit, resumes=True)
    option, splits = audit.add_argument, list(SPLIT_FOLDERS)
    option("tree", type=Path)
    option("--out", type=Path, metavar="DIR", help="else TREE/audit, where training looks")
    option("--network", type=Path, metavar="CKPT", help="to find drift; else stage 1 of quick")
    common.add_workers(audit, "processes")
    option("--split", choices=splits, nargs="+", default=splits)

    pack = common.add_verb(verbs, _pack, resumes=True)
    option = pack.add_argument
    option("tree", type=Path)
    option("out", type=Path)
    side = "side of the squares; else 368, as in the paper, or the tree's own if that is smaller"
    option("--px", type=common.between(32, 800), help=side)
    option("--encoding", choices=("jpeg", "png"), default="jpeg")
    option("--quality", type=common.between(1, 100), default=95, help="of JPEG; default: 95")
    common.add_workers(pack, "threads a machine")
    common.add_machines(pack)

    verify = common.add_verb(verbs, _verify)
    verify.add_argument("packed", type=Path)

    render = common.add_verb(verbs, _render, resumes=True)
    option = render.add_argument
    option("out", type=Path)
    option("--profile", default=DEFAULT_PROFILE, help="how many frames, how large")
    option("--scale", type=float, help="fraction of 1280x800; 1.0 is the official size")
    option("--motion", metavar="DIR", help="motion capture: <clip>*.bvh replaces or adds a clip")
    option("--seed", type=common.whole, default=0)
    common.add_workers(render, "processes")
    common.add_shard(render)


def _download(options):
    """Fetch the parts of the official archives."""
    from egolib.data.official.download import download

    fetched = download(options.out, options.characters, options.sets, options.url, options.workers)
    print(f"Fetched {fetched} parts; all are in {options.out}")


def _extract(options):
    """Official archive parts -> a tree of frames."""
    from egolib.data.official.archives import extract

    chosen = (options.characters, options.sets)
    extracted = extract(options.folder, options.out, *chosen, options.workers, options.delete_parts)
    print(f"Extracted {extracted} characters; all that were asked for are in {options.out}")


def _audit(options):
    """What is wrong with a copy of the data; nothing is deleted."""
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
    """A tree -> square crops in shards, which load fast."""
    from egolib.data.packing import pack_tree, submit_pack

    settings = {"px": options.px, "encoding": options.encoding, "quality": options.quality}
    paths = (options.tree, options.out)
    if options.submit:
        machines = (options.submit, options.executor, dict(options.slurm))
        missing = submit_pack(*machines, *paths, options.workers, **settings)
    else:
        missing = pack_tree(*paths, options.workers, options.shard, **settings)
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

    given = {"scale": options.scale, "motion": options.motion}
    given = {key: value for key, value in given.items() if value is not None}
    config = dataclasses.replace(load_profile(options.profile).render, **given)
    render_miniature(options.out, config, options.seed, options.workers, options.shard)
