"""The outcome of an audit as tables: findings, a summary by character and by defect, exclusions."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from egolib.audit.defects import DEFECTS, Finding, excludes
from egolib.data.exclusions import EXCLUDED_COLUMNS, EXCLUDED_FILE
from egolib.foundation.files import write_atomically
from egolib.foundation.untrusted import set_aside
from egolib.skeleton import SPLIT_FOLDERS

FINDINGS_FILE, SUMMARY_FILE, PAGE_FILE = "findings.csv", "summary.csv", "index.html"
SUMMARY_COLUMNS = (
    "set", "character", "images", "labels", "frames", "excluded", "kept", "findings", "clips",
    "hand_behind_lens", "residual_px",
)  # fmt: skip


@dataclass(frozen=True)
class Audit:
    """The outcome of an audit of the `splits` of a tree.

    findings: columns of defects.Finding. excluded: folder, number, reason. summary: one row a
    character. drift: {folder: drift.FolderDrift}. ranges: {folder: [first, last frame number]}.
    page: path of the html file, beside which the tables are written.
    """

    tree: Path
    splits: tuple
    findings: pd.DataFrame
    excluded: pd.DataFrame
    summary: pd.DataFrame
    drift: dict
    ranges: dict
    page: Path

    @property
    def defects(self) -> pd.DataFrame:
        """One row for each defect that was found: findings, characters and the row of DEFECTS."""
        characters = self.findings.folder.str.split("/").str[:2].str.join("/")
        grouped = self.findings.assign(character=characters).groupby("defect")
        table = grouped.agg(findings=("defect", "size"), characters=("character", "nunique"))
        return DEFECTS.join(table, how="inner")[[*table, *DEFECTS]]


def load_audit(folder: Path) -> Audit | None:
    """The tables of the audit in `folder`, without its drift and ranges; None where there is none."""
    paths = [folder / name for name in (FINDINGS_FILE, EXCLUDED_FILE, SUMMARY_FILE)]
    if not all(path.is_file() for path in paths):
        return None
    tables = [pd.read_csv(path) for path in paths]
    splits = [split for split, name in SPLIT_FOLDERS.items() if name in set(tables[2].set)]
    return Audit(folder.parent, tuple(splits), *tables, {}, {}, folder / PAGE_FILE)


def collect(tree, out, splits, results):
    """results: [(CharacterRecord, findings of the network, drift of its folders)] -> Audit."""
    rows, summary, drift, ranges = [], [], {}, {}
    for record, of_network, character_drift in results:
        lost = {(f.folder, f.number) for f in of_network if excludes(f)}
        kept, findings = len(record.numbers) - len(lost), record.findings + of_network
        counts = {"excluded": record.facts["frames"] - kept, "kept": kept}
        place = dict(zip(("set", "character"), record.character.split("/"), strict=True))
        summary.append(place | record.facts | counts | {"findings": len(findings)})
        rows += findings
        drift |= character_drift
        ranges |= record.facts["range"]
    findings = pd.DataFrame(rows, columns=Finding._fields).astype({"number": "Int64"})
    is_excluded = [excludes(row) and row.number is not None for row in rows]
    excluded = findings.loc[is_excluded, ["folder", "number", "defect"]].drop_duplicates()
    excluded = excluded.set_axis(EXCLUDED_COLUMNS, axis=1).reset_index(drop=True)
    table = pd.DataFrame(summary, columns=SUMMARY_COLUMNS)
    return Audit(tree, tuple(splits), findings, excluded, table, drift, ranges, out / PAGE_FILE)


def _listed_before(path):
    """The exclusion list of an earlier audit; empty, and the file renamed, when it is damaged."""
    try:
        return pd.read_csv(path, dtype={"number": "int64"})[[*EXCLUDED_COLUMNS]]
    except (ValueError, KeyError, OverflowError) as error:
        set_aside(path, str(error))
        return pd.DataFrame(columns=EXCLUDED_COLUMNS, dtype=str)


def write_tables(audit):
    """Write findings.csv, summary.csv and excluded.csv beside the page. In the exclusion list, rows
    of splits that were not audited remain."""
    out, excluded = audit.page.parent, audit.excluded
    if (out / EXCLUDED_FILE).is_file():
        before = _listed_before(out / EXCLUDED_FILE)
        audited = tuple(f"{SPLIT_FOLDERS[split]}/" for split in audit.splits)
        excluded = pd.concat([before[~before.folder.str.startswith(audited)], excluded])
    tables = {FINDINGS_FILE: audit.findings, SUMMARY_FILE: audit.summary, EXCLUDED_FILE: excluded}
    for name, table in tables.items():
        write_atomically(out / name, table.to_csv(index=False))
