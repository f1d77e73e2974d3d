"""Errors that others published, in millimetres, each with its source.

All of them hold for the full data set's official test split and the data set's protocol
(metrics.joint_errors_mm); none was measured here, and none may share a column with a
measurement.
"""

from dataclasses import dataclass, field

import pandas as pd

from egolib.skeleton import ACTIONS

COLUMN_GROUP = "published, full data set"
NOTE = (
    "Columns headed 'published, full data set' are quoted from the sources below; they were "
    "measured by their authors on the full data set's official test split, not here."
)
DISAGREEMENT = (
    "The printed rows of xR-EgoPose dual branch, weighted by the number of test frames of each "
    "action, give 53.9 mm, not the printed total of 58.2 mm; the mean of its upper and lower "
    "body agrees with the total. Rows and total are both given as printed; which is right is "
    "not known."
)

# Frames of the official test split by action, as the vhehduatks fork counts them.
TEST_FRAMES = {
    "Gaming": 3985, "Gesticulating": 5205, "Greeting": 1855, "LowerStretching": 18574,
    "Patting": 3002, "Reacting": 6790, "Talking": 3085, "UpperStretching": 61163, "Walking": 11962,
}  # fmt: skip


@dataclass(frozen=True)
class PublishedResult:
    """What one source prints about one method (mm). What it does not print is left out.

    by_joint holds the means of left and right, under the joint's name without its side.
    """

    method: str
    source: str
    all: float
    by_action: dict[str, float] = field(default_factory=dict)
    by_body_group: dict[str, float] = field(default_factory=dict)
    by_joint: dict[str, float] = field(default_factory=dict)
    footnote: str = ""


def _by_action(*values):
    """Values in the order of skeleton.ACTIONS, which is that of the published table."""
    return dict(zip(ACTIONS, values, strict=True))


def _halves(upper, lower):
    return {"Upper body": upper, "Lower body": lower}


def _by_joint(*values):
    names = ("Head", "Neck", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase")
    return dict(zip(names, values, strict=True))


_README = "xR-EgoPose README; upper and lower body as quoted by Ego-STAN"
_EGO_STAN = "Ego-STAN, text and repository"

RESULTS = (
    PublishedResult("Martinez 2017", _README, 122.1,
        _by_action(109.6, 105.4, 119.3, 125.8, 93.0, 119.7, 111.1, 124.5, 130.5),
        _halves(79.4, 164.8)),
    PublishedResult("xR-EgoPose single branch", _README, 130.4,
        _by_action(138.3, 108.5, 100.3, 133.3, 117.8, 175.6, 93.5, 129.0, 131.9),
        _halves(112.5, 148.3)),
    PublishedResult("xR-EgoPose dual branch", _README, 58.2,
        _by_action(56.0, 50.2, 44.6, 51.1, 59.4, 60.8, 43.9, 53.9, 57.7),
        _halves(50.5, 65.9), footnote=DISAGREEMENT),
    PublishedResult("Zhang 2021", _EGO_STAN, 50.0,
        _by_action(36.8, 34.1, 36.7, 50.1, 57.2, 34.4, 32.8, 54.3, 52.6)),
    PublishedResult("dual branch, reproduced by Ego-STAN",
        _EGO_STAN + ", three seeds (All 65.7 +- 4.0)", 65.7,
        _by_action(62.5, 51.5, 53.3, 65.6, 56.4, 67.9, 48.7, 68.2, 68.0),
        _halves(48.0, 83.5),
        _by_joint(16.4, 3.7, 33.8, 60.2, 87.9, 61.6, 80.8, 90.5, 101.1)),
    PublishedResult("direct heatmap to 3D",
        _EGO_STAN + ", ablation with one frame (All 50.8 +- 1.7)", 50.8,
        by_joint=_by_joint(14.9, 7.0, 21.0, 38.5, 71.3, 46.5, 60.7, 76.9, 83.7)),
    PublishedResult("vhehduatks single stage",
        "vhehduatks fork of Ego-STAN, one frame", 47.7, by_body_group=_halves(37.2, 58.1)),
    PublishedResult("Ego-STAN", _EGO_STAN + ", five frames (All 40.4 +- 0.1)", 40.4,
        _by_action(33.1, 31.6, 36.9, 38.9, 29.2, 29.6, 29.7, 44.3, 40.9),
        _halves(28.2, 52.6),
        _by_joint(11.4, 1.3, 17.7, 33.9, 54.9, 41.8, 50.7, 55.8, 62.1)),
    PublishedResult("lifting from ground-truth heatmaps", _EGO_STAN + ", one run", 30.1),
)  # fmt: skip


def source_notes(methods, mark="†"):
    """The sentences that published results of `methods` need beside them; [] if there are none. mark:
    what a footnote begins with."""
    methods = set(methods)
    quoted = [result for result in RESULTS if result.method in methods]
    sources = {}
    for result in quoted:
        sources.setdefault(result.source, []).append(result.method)
    listed = "; ".join(f"{', '.join(names)}: {text}" for text, names in sources.items())
    notes = [NOTE, f"Sources. {listed}."] if quoted else []
    return notes + [f"{mark} {result.footnote}" for result in quoted if result.footnote]


def totals_of_rows():
    """Do the published rows give their own totals? -> DataFrame, a row a method whose actions are
    printed, in mm: the printed total, the actions weighted by TEST_FRAMES, the mean of upper and
    lower body (NaN where not printed), and how far each of the two is from the printed total."""
    frames = pd.Series(TEST_FRAMES)
    rows = {}
    for result in RESULTS:
        if result.by_action:
            weighted = (pd.Series(result.by_action) * frames).sum() / frames.sum()
            halves = pd.Series(result.by_body_group, dtype=float).mean()
            rows[result.method] = {
                "printed total": result.all,
                "actions, weighted": weighted,
                "mean of the halves": halves,
                "actions off by": weighted - result.all,
                "halves off by": halves - result.all,
            }
    return pd.DataFrame(rows).T
