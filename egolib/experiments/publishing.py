"""The part of the results that git keeps: small tables and figures, and a block of the README."""

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from egolib.config import read_toml
from egolib.evaluation import comparison
from egolib.evaluation.tables import TABLES, read_table, sources_as_markdown
from egolib.experiments.manifest import origin_sentence, read_manifest, run_sentence
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import write_atomically


@dataclass(frozen=True)
class Block:
    """What the README shows between two markers, and what is copied for it; the fields are explained in
    readme_blocks.toml."""

    name: str
    shown: str
    copied: list[str]
    figure: dict[str, str]
    tables: dict[str, str]
    last_figure: dict[str, str]
    more: dict[str, str] = field(default_factory=dict)

    @property
    def markers(self) -> tuple[str, str]:
        """The lines of the README before and after the block."""
        return f"<!-- {self.name}:begin -->", f"<!-- {self.name}:end -->"


_BLOCKS = read_toml(Path(__file__).with_name("readme_blocks.toml"))
RUN, SWEEP = Block(**_BLOCKS["run"]), Block(**_BLOCKS["sweep"])


def publish(results_dir: str | Path, repository: str | Path) -> Path:
    """Copy the small tables (csv, md), the PNG figures and the manifest of a run or a sweep to
    `<repository>/results/published/<its name>/`, and refresh its Block of README.md. Returns the
    folder.

    Raises EgolibError, before anything is written, when the results lack the manifest, a table
    or a figure of the README, when they are of the profile `smoke`, or README.md lacks the markers.
    """
    results_dir, repository = Path(results_dir), Path(repository)
    manifest = read_manifest(results_dir)
    grid, profile = manifest.get("grid"), manifest["profile"]["name"]
    if profile == "smoke":
        raise EgolibError(f"{results_dir}: the profile smoke only tests the code; publish another")
    block, published = SWEEP if grid else RUN, f"results/published/{grid or profile}"
    tables, figures = results_dir / "tables", results_dir / "figures"
    files = [tables / f"{name}.{suffix}" for name in block.tables for suffix in ("csv", "md")]
    # A sweep may lack the last figure.
    needed = block.figure if grid else block.figure | block.last_figure
    files += [figures / f"{name}.png" for name in needed]
    for path in files:
        if not path.is_file():
            raise EgolibError(f"{path}: missing; run the notebooks before publishing")
    for pattern in block.copied:
        files += sorted(tables.glob(f"{pattern}.[cm][sd]*"))
    files += [results_dir / "manifest.json", *sorted(figures.glob("*.png"))]
    readme, (begin, end) = repository / "README.md", block.markers
    text = readme.read_text() if readme.is_file() else ""
    if re.findall(f"{begin}|{end}", text) != [begin, end]:
        raise EgolibError(f"{readme}: needs {begin} and, below it, {end}, once each")
    before, _, after = re.split(f"{begin}|{end}", text)
    shown = _text(block, results_dir, manifest, published)
    target = repository / published
    shutil.rmtree(target, ignore_errors=True)
    for path in files:
        write_atomically(target / path.relative_to(results_dir), path.read_bytes())
    write_atomically(readme, f"{before}{begin}\n\n{shown}\n\n{end}{after}")
    return target


def _text(block, results_dir, manifest, published):
    """The text of a block; its links lead to the folder `published` of the repository."""
    tables, figures = results_dir / "tables", results_dir / "figures"
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
        f"All figures are in [{published}/figures]({published}/figures)."
    )
    table = sources_as_markdown(title, read_table(tables / f"{block.shown}.csv"))
    return "\n\n".join([*above, table, about, *below])
