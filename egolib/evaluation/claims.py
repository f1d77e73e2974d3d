"""Which claims, the paper's and the study's own, hold on the frames at hand, and with what
confidence.

Two methods are compared by the difference of their errors on the same joints of the same frames,
seed by seed of those that both were trained from, not by whether two intervals overlap.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from egolib.evaluation import literature
from egolib.evaluation.comparison import VISIBILITY
from egolib.metrics import bootstrap_means, interval
from egolib.skeleton import LOWER_BODY, UPPER_BODY, joint_indices

# Columns worse, better: the methods whose errors are claimed to be larger and smaller;
# joints: "all", or a key of comparison.VISIBILITY; aim: the ratio that the study aimed at.
CLAIMS = pd.read_csv(Path(__file__).with_name("claims.csv"), index_col="claim")
_AIMS = CLAIMS.aim.dropna()
_RIVALS = ["end_to_end", "ray_model"]
_COSTS = {"parameters (M)": "M parameters", "GFLOPs": "GFLOPs", "ms an image": "ms an image",
          "training (min)": "minutes of training"}  # fmt: skip
_SEEDS = {0: "Of means over seeds, none of them in common.", 1: "Of one seed: another may turn it."}
LOWER_WORSE = "The lower body is worse than the upper"


def check_claims(methods: dict, states: np.ndarray | None = None) -> pd.DataFrame:
    """The claims on these test frames -> DataFrame, a row a claim that can be checked.

    difference_mm, low, high: by how much the claim holds, from errors on the same frames, with its
    95 % interval. verdict: "holds", "does not hold", or "open" where the interval includes 0 or
    there is none. confidence: share of the bootstrap's draws, in percent, in which the difference
    has the sign of its mean, whichever that is. ratio: the error that is claimed to be smaller, by
    the other, with its 95 % interval. seeds: how many of them are paired, 0 where the methods share
    none and their means over seeds are compared; the interval of fewer than two does not hold what
    another seed would change. states as in `error_by_visibility`, or None where it is not known.
    """
    rows = {}
    for claim, worse, better, joints, _ in CLAIMS.itertuples():
        if not {worse, better} <= methods.keys() or (states is None and joints != "all"):
            continue
        common = [seed for seed in methods[worse].runs if seed in methods[better].runs]
        larger, smaller = (_errors_of_seeds(methods[name], common) for name in (worse, better))
        keep = True if joints == "all" else np.isin(states, VISIBILITY[joints])
        keep = np.broadcast_to(keep, larger.shape[1:])
        if keep.any():
            clusters = methods[worse].clusters[keep]
            rows[claim] = _verdict(larger[:, keep], smaller[:, keep], clusters, len(common))
    for name, p in methods.items():
        lower, upper = (
            p.errors_mm[..., joint_indices(part)].mean(-1) for part in (LOWER_BODY, UPPER_BODY)
        )
        rows[f"{LOWER_WORSE} ({name})"] = _verdict(lower, upper, p.sequence, len(p.runs))
    return pd.DataFrame(rows).T


def claims_text(checked: pd.DataFrame) -> str:
    """The rows of `check_claims` in words, a sentence for every claim."""
    lines = []
    for claim, row in checked.iterrows():
        bounds = (
            f" [{row.low:z.1f}, {row.high:z.1f}], of this sign in {row.confidence:.1f} % of the "
        )
        lines.append(
            f"{claim}: {row.verdict}. The difference is {row.difference_mm:z.1f} mm"
            f"{'' if np.isnan(row.low) else bounds + 'draws'}; the error claimed to be smaller is "
            f"{ratio_text(row)} times the other{aim_text(claim, row)}. "
            f"{_SEEDS.get(row.seeds, f'Of {row.seeds} seeds.')}"
        )
    return "\n".join(lines)


def ratio_text(row: pd.Series) -> str:
    """The ratio of a row of `check_claims`, with its interval if there is one."""
    bounds = "" if np.isnan(row.low) else f" [{row.ratio_low:.2f}, {row.ratio_high:.2f}]"
    return f"{row.ratio:.2f}{bounds}"


def aim_text(claim: str, row: pd.Series) -> str:
    """ " (the aim of 0.65 is missed)" where the study aimed at a ratio, else ""."""
    if claim not in _AIMS:
        return ""
    verdict = "reached" if row.ratio <= _AIMS[claim] else "missed"
    return f" (the aim of {_AIMS[claim]:.2f} is {verdict})"


def ray_model_costs(costs: pd.DataFrame) -> list[str]:
    """The ray model beside the end-to-end dual branch -> [a sentence], or [] where one is not
    there. costs: sweep.Sweep.costs."""
    if not set(_RIVALS) <= set(costs.index):
        return []
    pairs = [
        "{1:.1f} against {0:.1f} {2}".format(*costs.loc[_RIVALS, name], unit)
        for name, unit in _COSTS.items()
        if name in costs
    ]
    return [f"The ray model against the end-to-end dual branch: {', '.join(pairs)}."]


def at_equal_minutes(curves: dict) -> list[str]:
    """The validation error of the ray model when the end-to-end dual branch has ended, means over
    the seeds of each -> [a sentence], or [] where one is not there. curves:
    sweep.Sweep.learning_curves."""
    if not set(_RIVALS) <= curves.keys():
        return []
    duals, ray_models = (curves[name] for name in _RIVALS)
    end_s = np.mean([before_s + history.seconds.sum() for before_s, history in duals])
    dual_mm = np.mean([history.val_mpjpe_mm.iloc[-1] for _, history in duals])
    by_then = [history[history.seconds.cumsum() <= end_s] for _, history in ray_models]
    if any(history.empty for history in by_then):
        return []
    ray_model_mm = np.mean([history.val_mpjpe_mm.iloc[-1] for history in by_then])
    return [
        f"On the validation split the end-to-end dual branch has {dual_mm:.1f} mm when its "
        f"{end_s / 60:.1f} minutes are over, the ray model by then {ray_model_mm:.1f} mm (its rate of "
        f"learning falls over all of its {len(ray_models[0][1])} epochs)."
    ]


def finding_about_the_published_row() -> str:
    """Which published rows give their own totals, as a sentence computed from literature.toml."""
    table = literature.totals_of_rows()
    off = table["actions off by"].abs()
    odd = off.idxmax()
    total, weighted, halves, *_ = table.loc[odd]
    return (
        f"Weighted by the {sum(literature.TEST_FRAMES.values()):,} frames of the official test split, "
        f"the printed actions of {odd} give {weighted:.1f} mm, its printed total is {total:.1f} mm, "
        f"and the mean of its upper and lower body is {halves:.1f} mm. The other {len(off) - 1} "
        f"methods' actions give their own totals to {off.drop(odd).max():.1f} mm. So the rows and the "
        f"total of {odd} do not belong together; which is right is not known."
    )


def _errors_of_seeds(p, seeds):
    """Errors (S, N, 16) of SeededPredictions from these seeds; of none, their mean (1, N, 16)."""
    chosen = [list(p.runs).index(seed) for seed in seeds]
    return p.errors_mm[chosen] if seeds else p.errors_mm.mean(0, keepdims=True)


def _verdict(larger, smaller, clusters, seeds):
    """A row of `check_claims`, of the errors (S, M) that are claimed to be larger and smaller."""
    mean = (larger - smaller).mean()
    # The same seed draws the same sequences and runs, so the two are drawn in pairs.
    of_larger, of_smaller = (bootstrap_means(errors, clusters) for errors in (larger, smaller))
    draws = of_larger - of_smaller
    low, high = interval(draws)
    ratio_low, ratio_high = interval(of_smaller / of_larger)
    return {
        "verdict": "holds" if low > 0 else "does not hold" if high < 0 else "open",
        "difference_mm": mean, "low": low, "high": high,
        "confidence": 100 * (np.sign(draws) == np.sign(mean)).mean(),
        "ratio": smaller.mean() / larger.mean(), "ratio_low": ratio_low, "ratio_high": ratio_high,
        "seeds": seeds,
    }  # fmt: skip
