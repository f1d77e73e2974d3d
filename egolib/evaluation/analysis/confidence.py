"""Does a network know when it is wrong? Its confidence in 2D, and the error that it expects in 3D."""

import numpy as np

from egolib.evaluation.analysis.answers import BOUNDED, Answer, amount, table_of
from egolib.evaluation.analysis.causes import FOUND
from egolib.metrics import equal_bins

_BINS = 10


def calibration(components):
    """Is the confidence a probability? Table: ten bins of equal counts of confidence; its mean, and
    the share of joints that are found in 2D (FOUND), in percent with bounds. A joint that is not in
    the image cannot be found."""
    confidence = np.clip(components.confidence, 0, 1)
    found = np.where(np.isfinite(confidence), 100.0 * (components.error_px <= FOUND), np.nan)
    table = _by_bins(components, 100 * confidence, found)
    joints, beyond = table.joints, table["mean"] - table["predicted"]
    gap = (joints * beyond).sum() / joints.sum()
    error = (joints * beyond.abs()).sum() / joints.sum()
    return Answer(
        "is_the_confidence_calibrated",
        "Is the predicted confidence calibrated?",
        f"Joints are found (within {100 * FOUND:.0f} % of the image's side) {abs(gap):.0f} points "
        f"{'more' if gap > 0 else 'less'} often than their confidence says; the expected calibration "
        f"error is {error:.0f} points. The most confident tenth is found in "
        f"{amount(*table.iloc[-1][BOUNDED], unit='%')}, the least confident in "
        f"{amount(*table.iloc[0][BOUNDED], unit='%')}.",
        table.rename(columns={"predicted": "confidence"}),
    )


def expected_errors(components, predictions):
    """Is the error that a network expects the one that it makes? Table: ten bins of equal counts of
    the expected error; `expected`, its mean, and mean and bounds of the error, in mm."""
    question = "Does the network know how wrong it is in space?"
    expected = predictions.expected_error_mm
    if not len(expected):
        return Answer(
            "does_it_know_its_error", question, "Not available: this model expects no error."
        )
    table = _by_bins(components, expected, components.error_mm).drop(columns="joints")
    least, most = table.iloc[0], table.iloc[-1]
    ratio = components.error_mm.mean() / expected.mean()
    return Answer(
        "does_it_know_its_error",
        question,
        f"The errors are {ratio:.2f} times as large as those it expects. Where it expects least "
        f"({least.predicted:.0f} mm) they are {amount(*least[BOUNDED])}, where it expects most "
        f"({most.predicted:.0f} mm) {amount(*most[BOUNDED])}.",
        table.rename(columns={"predicted": "expected"}),
    )


def _by_bins(components, predicted, values):
    """Means of `values` (N, 16) in bins of equal counts of what was `predicted` of them (N, 16),
    NaN where nothing was: mean, low, high, predicted (its mean) and joints (how many)."""
    bins, count = equal_bins(predicted, np.isfinite(predicted), _BINS)
    mean_predicted, _ = components.means(bins, count, predicted, rounds=1)
    joints = np.bincount(bins[bins >= 0], minlength=count)
    table = table_of(*components.means(bins, count, values), range(count))
    return table.assign(predicted=mean_predicted, joints=joints)
