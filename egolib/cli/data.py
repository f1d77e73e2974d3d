"""Verbs of the data: official parts -> tree -> audit -> shards; and the miniature."""

from pathlib import Path

from egolib.cli.options import (
    add_choice_of_characters,
    add_machines,
    add_shard,
    between,
    count,
    whole,
)
from egolib.config import DEFAULT_PROFILE, load_profile
from egolib.errors import EgolibError
from egolib.official.release import URL
from egolib.skeleton import SPLIT_FOLDERS


def add_verbs(verbs):
    """Add the parsers of these verbs."""
    download = verbs.add_parser("download", help="fetch the parts of the official archives")
    download.add_argument("out", type=Path)
    add_choice_of_characters(download)
    download.add_argument("--url", default=URL, help="a mirror; else the release on GitHub")
    download.add_argument("--workers", type=count, default=4, help="parts at a time; default: 4")

    extract = verbs.add_parser("extract", help="official archive parts -> a tree of frames")
    extract.add_argument("folder", type=Path, metavar="IN", help="the parts, also in sub-folders")
    extract.add_argument("out", type=Path)
    add_choice_of_characters(extract)
    extract.add_argument(
        "--workers", type=count, help="characters at a time; else one a core, at most 8"
    )
    extract.add_argument(
        "--delete-parts", action="store_true", help="once their character is verified and in place"
    )

    audit = verbs.add_parser(
        "audit", help="what is wrong with a copy of the data; nothing is deleted"
    )
    audit.add_argument("tree", type=Path)
    audit.add_argument(
        "--out", type=Path, metavar="DIR", help="else TREE/audit, where training looks"
    )
    audit.add_argument(
        "--network", type=Path, metavar="CKPT", help="that looks for drift; else stage 1 of quick"
    )
    audit.add_argument("--workers", type=whole, help="processes; else one a core")
    audit.add_argument(
        "--split", choices=list(SPLIT_FOLDERS), nargs="+", default=list(SPLIT_FOLDERS)
    )

    pack = verbs.add_parser("pack", help="a tree -> square crops in shards, which load fast")
    pack.add_argument("tree", type=Path)
    pack.add_argument("out", type=Path)
    pack.add_argument(
        "--px", type=between(32, 800),
        help="side of the squares; else 368, as the paper's network sees them, or the tree's own "
        "if that is smaller",
    )  # fmt: skip
    pack.add_argument("--encoding", choices=("jpeg", "png"), default="jpeg")
    pack.add_argument("--quality", type=between(1, 100), default=95, help="of JPEG; default: 95")
    pack.add_argument("--workers", type=whole, help="threads a machine; else one a core")
    add_machines(pack)

    verify = verbs.add_parser("verify", help="read every byte of a pack and name what is damaged")
    verify.add_argument("packed", type=Path)

    render = verbs.add_parser("render", help="write the embedded miniature to a folder")
    render.add_argument("out", type=Path)
    render.add_argument("--profile", default=DEFAULT_PROFILE, help="how many frames, how large")
    render.add_argument(
        "--scale", type=float, help="fraction of 1280x800; 1.0 is the official size"
    )
    render.add_argument(
        "--motion", metavar="DIR", help="motion capture: <clip name>*.bvh replaces or adds the clip"
    )
    render.add_argument("--seed", type=whole, default=0)
    render.add_argument("--workers", type=whole, help="processes; else one a core")
    add_shard(render)


def _download(options):
    from egolib.official.download import download

    fetched = download(options.out, options.characters, options.sets, options.url, options.workers)
    print(f"Fetched {fetched} parts; all are in {options.out}")


def _extract(options):
    from egolib.official.archives import extract

    extracted = extract(
        options.folder, options.out, options.characters, options.sets, options.workers,
        options.delete_parts,
    )  # fmt: skip
    print(f"Extracted {extracted} characters; all that were asked for are in {options.out}")


def _audit(options):
    from egolib.audit import audit_tree, headline
    from egolib.exclusions import excluded_path
    from egolib.study import miniature_network

    network = options.network or miniature_network
    audit = audit_tree(options.tree, options.out, network, options.workers, options.split)
    if len(audit.defects):
        print(audit.defects[["findings", "characters", "consequence"]].to_string())
    print(headline(audit))
    print(f"Look at {audit.page}")
    if options.out:
        print(f"Training does not read the exclusion list there, but {excluded_path(options.tree)}")


def _pack(options):
    from egolib.packing import pack_tree, submit_pack

    settings = {"px": options.px, "encoding": options.encoding, "quality": options.quality}
    paths = (options.tree, options.out)
    if options.submit:
        machines = (options.submit, options.cluster, dict(options.slurm))
        missing = submit_pack(*machines, *paths, options.workers, **settings)
    else:
        missing = pack_tree(*paths, options.workers, options.shard, **settings)
    print(f"{options.out}: {len(missing)} shards are still to come" if missing
          else f"{options.out}: complete; train with --data {options.out}")  # fmt: skip


def _verify(options):
    from egolib.packing import verify_pack

    findings = verify_pack(options.packed)
    print("\n".join(findings) or f"{options.packed}: every picture and label is as it was packed")
    if findings:
        raise EgolibError(
            f"{options.packed}: {len(findings)} files are damaged; delete them and run "
            "`egolib pack` again, which makes only what is missing"
        )


def _render(options):
    import dataclasses

    from egolib.miniature import render_tree

    config = load_profile(options.profile).render
    if options.scale is not None:
        config = dataclasses.replace(config, scale=options.scale)
    if options.motion is not None:
        config = dataclasses.replace(config, motion=options.motion)
    render_tree(options.out, config, options.seed, options.workers, options.shard)


VERBS = {
    "download": _download,
    "extract": _extract,
    "audit": _audit,
    "pack": _pack,
    "verify": _verify,
    "render": _render,
}
