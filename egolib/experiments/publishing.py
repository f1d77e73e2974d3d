"""The part of the results that git keeps: small tables, figures and executed notebooks, and blocks of
README.md and docs/results.md."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pandas as pd

from egolib.config import read_toml
from egolib.evaluation import comparison
from egolib.evaluation.tables import TABLES, formatted, read_table, sources_as_markdown
from egolib.experiments.executed_notebooks import small_copy
from egolib.experiments.manifest import origin_sentence, read_manifest, run_sentence
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import write_atomically

RESULTS_PAGE = Path("docs", "results.md")
# The first screen of README.md, for runs of a profile: a figure and one table.
README_MARKERS = "<!-- published:begin -->", "<!-- published:end -->"


@dataclass(frozen=True)
class Block:
    """What docs/results.md shows between two markers, and what is copied for it; the fields are
    explained in published_blocks.toml."""

    name: str
    shown: str
    copied: list[str]
    figure: dict[str, str]
    tables: dict[str, str]
    last_figure: dict[str, str]
    more: dict[str, str] = field(default_factory=dict)

    @property
    def markers(self) -> tuple[str, str]:
        """The lines of docs/results.md before and after the block."""
        return f"<!-- {self.name}:begin -->", f"<!-- {self.name}:end -->"


_BLOCKS = read_toml(Path(__file__).with_name("published_blocks.toml"))
RUN, SWEEP = Block(**_BLOCKS["run"]), Block(**_BLOCKS["sweep"])


def publish(results_dir: str | Path, repository: str | Path) -> Path:
    """Copy the small part of a run or a sweep to `<repository>/results/published/<its name>/`: tables
    (csv, md), PNG figures, executed notebooks and the manifest. Refresh its Block of docs/results.md
    and, for a run, the first screen of README.md. Returns the folder.

    Raises EgolibError, before anything is written, when the results lack the manifest, a table
    or a figure that is shown, when they are of the profile `smoke`, or when a text lacks its markers.
    """
    results_dir, repository = Path(results_dir), Path(repository)
    manifest = read_manifest(results_dir)
    grid, profile = manifest.get("grid"), manifest["profile"]["name"]
    if profile.partition("-")[0] == "smoke":  # also with settings of its own
        raise EgolibError(f"{results_dir}: the profile smoke only tests the code; publish another")
    block, published = SWEEP if grid else RUN, f"results/published/{grid or profile}"
    files = list(_published_files(block, results_dir, needs_last_figure=not grid))
    details = _details(block, results_dir, manifest, published)
    texts = {RESULTS_PAGE: _with_block(repository / RESULTS_PAGE, block.markers, details)}
    if not grid:
        first = _first_screen(results_dir, manifest, published)
        texts["README.md"] = _with_block(repository / "README.md", README_MARKERS, first)
    target = repository / published
    shutil.rmtree(target, ignore_errors=True)
    for path in files:
        write_atomically(target / path.relative_to(results_dir), path.read_bytes())
    for path in sorted((results_dir / "notebooks").glob("[!.]*.ipynb")):
        copy = small_copy(path, repository / "notebooks", target / "notebooks")
        write_atomically(target / "notebooks" / path.name, nbformat.writes(copy))
    for page, text in texts.items():
        write_atomically(repository / page, text)
    return target


def _published_files(block: Block, results_dir: Path, needs_last_figure: bool) -> Iterator[Path]:
    """The files that are copied as they are. Raises EgolibError for one that is shown and missing."""
    tables, figures = results_dir / "tables", results_dir / "figures"
    needed = [tables / f"{name}.{suffix}" for name in block.tables for suffix in ("csv", "md")]
    shown = block.figure | block.last_figure if needs_last_figure else block.figure
    needed += [figures / f"{name}.png" for name in shown]
    for path in needed:
        if not path.is_file():
            raise EgolibError(f"{path}: missing; run the notebooks before publishing")
    yield from needed
    for pattern in block.copied:
        yield from sorted(tables.glob(f"{pattern}.[cm][sd]*"))
    yield from (results_dir / "manifest.json", *sorted(figures.glob("*.png")))


def _with_block(page: Path, markers: tuple[str, str], shown: str) -> str:
    """The text of a page with `shown` between its markers. Raises EgolibError where it lacks them."""
    begin, end = markers
    text = page.read_text() if page.is_file() else ""
    if re.findall(f"{begin}|{end}", text) != [begin, end]:
        raise EgolibError(f"{page}: needs {begin} and, below it, {end}, once each")
    before, _, after = re.split(f"{begin}|{end}", text)
    return f"{before}{begin}\n\n{shown}\n\n{end}{after}"


def _first_screen(results_dir: Path, manifest: dict, published: str) -> str:
    """The first figure of a run, and its errors by part of the body beside the published ones."""
    ((name, caption),) = RUN.figure.items()
    table = formatted(read_table(results_dir / "tables" / f"{RUN.shown}.csv"))
    sources = table.columns.unique(0)
    columns = [
        table[source].T.add_prefix(f"{source.split()[0].strip(',')}: ") for source in sources
    ]
    joined = pd.concat(columns, axis=1).fillna("–").rename(columns=str.lower)
    return "\n\n".join([
        f"![{caption}]({published}/figures/{name}.png)\n\n*{caption}.*",
        f"**Mean joint error (mm)** with 95 % intervals in brackets. Columns: {'; '.join(sources)}.",
        joined.to_markdown(disable_numparse=True),
        f"{run_sentence(manifest)} † marks a footnote below the [table]({published}/tables/{RUN.shown}.md).",
    ])  # fmt: skip


def _details(block: Block, results_dir: Path, manifest: dict, published: str) -> str:
    """The text of a block of docs/results.md; its links lead to the folder `published`."""
    tables, figures, published = results_dir / "tables", results_dir / "figures", f"../{published}"
    title = comparison.TABLES[block.shown] if manifest.get("grid") else TABLES[block.shown][0]
    more = {n: text for n, text in block.more.items() if (tables / f"{n}.md").is_file()}
    links = [f"[{t}]({published}/tables/{n}.md)" for n, t in (block.tables | more).items()]
    above, below = (
        [f"![{caption}]({published}/figures/{name}.png)\n\n*{caption}.*"
         for name, caption in images.items() if (figures / f"{name}.png").is_file()]
        for images in (block.figure, block.last_figure)
    )  # fmt: skip
    unfinished, *_ = manifest.get("unfinished") or [""]
    if unfinished:
        unfinished = f"{unfinished.removesuffix('.')} ([which]({published}/tables/runs.csv)). "
    about = (
        f"{unfinished}{run_sentence(manifest)} {origin_sentence(results_dir)} "
        "In brackets: 95 % intervals. "
        f"Sources and notes stand below the [tables]({published}/tables): {', '.join(links)}. "
        f"All figures are in [{published.removeprefix('../')}/figures]({published}/figures)."
    )
    table = sources_as_markdown(title, read_table(tables / f"{block.shown}.csv"))
    return "\n\n".join([*above, table, about, *below])
