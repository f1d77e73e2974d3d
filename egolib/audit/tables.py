"""What an audit found, as tables: findings, a summary by character and by defect, exclusions."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from egolib.audit.defects import DEFECTS, Defect, Finding, excludes
from egolib.data.exclusions import EXCLUDED_COLUMNS, EXCLUDED_FILE
from egolib.foundation.files import write_atomically
from egolib.skeleton import SPLIT_FOLDERS

FINDINGS_FILE, SUMMARY_FILE, PAGE_FILE = "findings.csv", "summary.csv", "index.html"
SUMMARY_COLUMNS = (
    "set", "character", "images", "labels", "frames", "excluded", "kept", "findings", "clips",
    "hand_behind_lens", "residual_px",
)  # fmt: skip


@dataclass(frozen=True)
class Audit:
    """What was found in the `splits` of a tree.

    findings: columns of defects.Finding. excluded: folder, number, reason. summary: one row a
    character. drift: {folder: drift.FolderDrift}. page: the html, in the folder of all.
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
    def defects(self):
        """One row a defect that was found: findings, characters, what it means and what to do."""
        characters = self.findings.folder.str.split("/").str[:2].str.join("/")
        grouped = self.findings.assign(character=characters).groupby("defect")
        table = grouped.agg(findings=("defect", "size"), characters=("character", "nunique"))
        known = pd.DataFrame.from_dict(DEFECTS, "index", columns=Defect._fields)
        return known.join(table, how="inner")[[*table, *known]].rename_axis("defect")


def load_audit(folder):
    """The tables of an audit that lies in `folder`, without its drift and ranges -> Audit, or None
    when there is none."""
    paths = [folder / name for name in (FINDINGS_FILE, EXCLUDED_FILE, SUMMARY_FILE)]
    if not all(path.is_file() for path in paths):
        return None
    findings, excluded, summary = (pd.read_csv(path) for path in paths)
    sets = [split for split, name in SPLIT_FOLDERS.items() if name in set(summary.set)]
    return Audit(
        folder.parent, tuple(sets), findings, excluded, summary, {}, {}, folder / PAGE_FILE
    )


def collect(tree, out, splits, results):
    """results: [(CharacterRecord, findings of the network, drift of its folders)] -> Audit."""
    rows, summary, drift, ranges = [], [], {}, {}
    for record, seen, drift_here in results:
        facts, lost = record.facts, {(f.folder, f.number) for f in seen if excludes(f)}
        kept = len(record.numbers) - len(lost)
        set_name, name = record.character.split("/")
        counts = {"excluded": facts["frames"] - kept, "kept": kept}
        counts["findings"] = len(record.findings) + len(seen)
        summary.append({"set": set_name, "character": name} | facts | counts)
        rows += record.findings + seen
        drift |= drift_here
        ranges |= facts["range"]
    findings = pd.DataFrame(rows, columns=Finding._fields).astype({"number": "Int64"})
    left_out = [
        (f.folder, f.number, f.defect) for f in rows if excludes(f) and f.number is not None
    ]
    excluded = pd.DataFrame(left_out, columns=EXCLUDED_COLUMNS).drop_duplicates(ignore_index=True)
    table = pd.DataFrame(summary, columns=SUMMARY_COLUMNS)
    return Audit(tree, tuple(splits), findings, excluded, table, drift, ranges, out / PAGE_FILE)


def write_tables(audit):
    """Write findings.csv, summary.csv and excluded.csv beside the page. Rows of the exclusion list
    that are of splits which were not audited stay."""
    out = audit.page.parent
    excluded = audit.excluded
    if (out / EXCLUDED_FILE).is_file():
        before = pd.read_csv(out / EXCLUDED_FILE)
        audited = tuple(f"{SPLIT_FOLDERS[split]}/" for split in audit.splits)
        excluded = pd.concat([before[~before.folder.str.startswith(audited)], excluded])
    tables = {FINDINGS_FILE: audit.findings, SUMMARY_FILE: audit.summary, EXCLUDED_FILE: excluded}
    for name, table in tables.items():
        write_atomically(out / name, table.to_csv(index=False))
