"""The part of the results that git keeps: small tables and figures, and a block of the README."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from egolib.evaluation import comparison
from egolib.evaluation.tables import DATA_TABLES, TABLES, read_table, sources_as_markdown
from egolib.experiments import manifest as manifests
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import write_atomically


@dataclass(frozen=True)
class Block:
    """What the README shows between two markers, and what is copied for it.

    figure, last_figure: {name: caption}, above and below the table `shown`, (name, title). tables:
    {name: text of its link}, which every run has; more: further ones, which not every run has. copied:
    patterns of further tables that are copied. A sweep may lack the last figure.
    """

    name: str
    figure: dict[str, str]
    shown: tuple[str, str]
    tables: dict[str, str]
    more: dict[str, str]
    copied: tuple[str, ...]
    last_figure: dict[str, str]

    @property
    def markers(self):
        """The lines of the README between which it stands."""
        return f"<!-- {self.name}:begin -->", f"<!-- {self.name}:end -->"


RUN = Block(
    "published",
    {manifests.SHEET_FIGURE: "Test frames, from better to worse: the paper's dual branch, trained "
     "end to end"},
    ("by_body_group", TABLES["by_body_group"][0]),
    {"summary": "summary", "by_action": "by action", "by_joint": "by joint",
     "by_body_group": "by part of the body"},
    {},
    (f"{DATA_TABLES}*",),
    {manifests.SKELETON_FIGURE: "Mean error of each joint, of the model that errs least"},
)  # fmt: skip
SWEEP = Block(
    "methods",
    {"methods": "Mean error of each method"},
    ("methods", comparison.TABLES["methods"]),
    {"methods": "methods side by side", "claims": "claims", "methods_by_action": "by action",
     "methods_by_joint": "by joint", "methods_by_body_group": "by part of the body",
     "methods_full_size": "cost at the paper's size"},
    {"methods_by_visibility": "seen and hidden joints", "methods_rotations": "rotations",
     "ablations": "ablations"},
    ("methods_*", "runs", "ablations"),
    {"error_by_minutes": "Error on the validation split against minutes of training"},
)  # fmt: skip


def publish(results_dir, repository):
    """Copy the small tables (csv, md), the PNG figures and the manifest of a run or a sweep to
    `<repository>/results/published/<its name>/`, and refresh its Block of README.md. Returns the
    folder.

    Raises EgolibError, before anything is written, when the results lack the manifest, a table
    or the README's figures, when they are of the profile `smoke`, or README.md lacks the markers.
    """
    results_dir, repository = Path(results_dir), Path(repository)
    manifest = manifests.read_manifest(results_dir)
    grid, profile = manifest.get("grid"), manifest["profile"]["name"]
    if profile == "smoke":
        raise EgolibError(f"{results_dir}: the profile smoke only tests the code; publish another")
    block, published = SWEEP if grid else RUN, f"results/published/{grid or profile}"
    tables, figures = results_dir / "tables", results_dir / "figures"
    files = [tables / f"{name}.{suffix}" for name in block.tables for suffix in ("csv", "md")]
    needed = block.figure if grid else block.figure | block.last_figure
    files += [figures / f"{name}.png" for name in needed]
    for path in files:
        if not path.is_file():
            raise EgolibError(f"{path}: missing; run the notebooks before publishing")
    for pattern in block.copied:
        files += sorted(tables.glob(f"{pattern}.[cm][sd]*"))
    files += [results_dir / "manifest.json", *sorted(figures.glob("*.png"))]
    readme = repository / "README.md"
    before, after = _around(readme, block.markers)
    text = _text(block, results_dir, manifest, published)
    target = repository / published
    shutil.rmtree(target, ignore_errors=True)
    for path in files:
        write_atomically(target / path.relative_to(results_dir), path.read_bytes())
    write_atomically(readme, f"{before}{block.markers[0]}\n\n{text}\n\n{block.markers[1]}{after}")
    return target


def _text(block, results_dir, manifest, place):
    """What stands between the markers of a block; place: the folder that its links lead to."""
    shown, title = block.shown
    tables, figures = results_dir / "tables", results_dir / "figures"
    more = {n: text for n, text in block.more.items() if (tables / f"{n}.md").is_file()}
    links = [f"[{t}]({place}/tables/{n}.md)" for n, t in (block.tables | more).items()]
    last = {n: t for n, t in block.last_figure.items() if (figures / f"{n}.png").is_file()}
    unfinished, *_ = manifest.get("unfinished") or [""]
    if unfinished:
        unfinished = f"{unfinished.removesuffix('.')} ([which]({place}/tables/runs.csv)). "
    parts = [
        *_images(block.figure, place),
        sources_as_markdown(title, read_table(tables / f"{shown}.csv")),
        f"{unfinished}{manifests.run_sentence(manifest)} {manifests.origin_sentence(results_dir)} "
        "In brackets: 95 % intervals. "
        f"Sources and notes stand below the [tables]({place}/tables): {', '.join(links)}. "
        f"All figures are in [{place}/figures]({place}/figures).",
        *_images(last, place),
    ]
    return "\n\n".join(parts)


def _images(figures, place):
    return [
        f"![{caption}]({place}/figures/{name}.png)\n\n*{caption}.*"
        for name, caption in figures.items()
    ]


def _around(readme, markers):
    """The README's text before its first marker and after its second."""
    text = readme.read_text() if readme.is_file() else ""
    before, begins, rest = text.partition(markers[0])
    _, ends, after = rest.partition(markers[1])
    if not (begins and ends) or any(text.count(marker) != 1 for marker in markers):
        raise EgolibError(f"{readme}: needs {markers[0]} and, below it, {markers[1]}, once each")
    return before, after
