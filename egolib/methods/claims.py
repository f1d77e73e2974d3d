"""Which claims, the paper's and our own, hold on the frames at hand, and with what confidence.

Two methods are compared by the difference of their errors on the same joints of the same frames,
seed by seed of those that both were trained from, not by whether two intervals overlap.
"""

import numpy as np
import pandas as pd

from egolib import published
from egolib.methods.comparison import VISIBILITY
from egolib.metrics import bootstrap_interval, bootstrap_means
from egolib.skeleton import LOWER_BODY, UPPER_BODY, joint_indices

# (what is claimed, errors of this method, less those of that one, on which joints)
CLAIMS = (
    ("The dual branch beats the single branch", "single", "dual", "all"),
    ("The dual branch beats Martinez et al. on detected joints", "martinez", "dual", "all"),
    ("The heatmap branch helps hidden joints", "single", "dual", "hidden"),
    ("The heatmap branch helps seen joints", "single", "dual", "seen"),
    ("The bottleneck and its heatmap branch beat direct regression", "direct", "dual", "all"),
    ("The rotation branch helps the pose", "dual", "rotation", "all"),
    ("Fine-tuning end to end helps", "dual", "dual_finetuned", "all"),
    ("True heatmaps lift better than detected ones", "dual", "oracle", "all"),
    ("Our model beats the fine-tuned dual branch", "dual_finetuned", "ours", "all"),
    ("Our model beats it on hidden joints", "dual_finetuned", "ours", "hidden"),
    ("Five frames beat one", "ours", "ours_five_frames", "all"),
)
LOWER_WORSE = "The lower body is worse than the upper"


def check_claims(methods, states=None):
    """The claims on these test frames -> DataFrame, a row a claim that can be checked.

    difference_mm, low, high: by how much the claim holds, from errors on the same frames, with its
    95 % interval. ratio: the smaller error that is claimed, by the larger. confidence: share of the bootstrap's draws, in percent, in which the difference
    has the sign of its mean. verdict: "holds", "does not hold", or "open" where the interval holds
    zero. states as in `error_by_visibility`, or None where it is not known.
    """
    rows = {}
    for claim, worse, better, joints in CLAIMS:
        known = states is not None or joints == "all"
        if not known or not {worse, better} <= methods.keys():
            continue
        pair = _of_common_seeds(methods[worse], methods[better])
        keep = True if joints == "all" else np.isin(states, VISIBILITY[joints])
        keep = np.broadcast_to(keep, pair[0].errors_mm.shape[1:])
        if keep.any():
            one, other = (p.errors_mm[:, keep] for p in pair)
            rows[claim] = _verdict(_seed_by_seed(one, other), pair[0].clusters[keep])
            rows[claim]["ratio"] = other.mean() / one.mean()
    for name, p in methods.items():
        errors = [
            p.errors_mm[..., joint_indices(part)].mean(-1) for part in (LOWER_BODY, UPPER_BODY)
        ]
        rows[f"{LOWER_WORSE} ({name})"] = _verdict(errors[0] - errors[1], p.sequence)
        rows[f"{LOWER_WORSE} ({name})"]["ratio"] = errors[1].mean() / errors[0].mean()
    return pd.DataFrame(rows).T


def claims_text(checked):
    """What `check_claims` found, a sentence a claim."""
    return "\n".join(
        f"{claim}: {row.verdict}. The difference is {row.difference_mm:z.1f} mm "
        f"[{row.low:z.1f}, {row.high:z.1f}], of this sign in {row.confidence:.1f} % of the draws; one "
        f"error is {row.ratio:.2f} times the other."
        for claim, row in checked.iterrows()
    )


def finding_about_the_published_row():
    """Which published rows give their own totals, as a sentence computed from published.py."""
    table = published.totals_of_rows()
    off = table["actions off by"].abs()
    odd, others = off.idxmax(), off.drop(off.idxmax())
    row = table.loc[odd]
    return (
        f"Weighted by the {sum(published.TEST_FRAMES.values()):,} frames of the official test split, "
        f"the printed actions of {odd} give {row['actions, weighted']:.1f} mm, its printed total is "
        f"{row['printed total']:.1f} mm, and the mean of its upper and lower body is "
        f"{row['mean of the halves']:.1f} mm. The other {len(others)} methods' actions give their "
        f"own totals to {others.max():.1f} mm. So the rows and the total of {odd} do not belong "
        "together; which is right is not known."
    )


def _of_common_seeds(*pair):
    """Two SeededPredictions of the seeds that both have, or whole where they share none."""
    common = [seed for seed in pair[0].runs if seed in pair[1].runs]
    return [p.of_seeds(common) for p in pair] if common else pair


def _seed_by_seed(one, other):
    """How much larger one method's errors (S, M) are, seed by seed; of the seeds' means where their
    numbers differ."""
    if len(one) != len(other):
        one, other = one.mean(0, keepdims=True), other.mean(0, keepdims=True)
    return one - other


def _verdict(values, clusters):
    mean, low, high = bootstrap_interval(values, clusters)
    draws = bootstrap_means(values, clusters)
    verdict = "holds" if low > 0 else "does not hold" if high < 0 else "open"
    return {
        "difference_mm": mean, "low": low, "high": high,
        "confidence": 100 * (np.sign(draws) == np.sign(mean)).mean(), "verdict": verdict,
    }  # fmt: skip
