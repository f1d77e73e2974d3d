"""Does a network know when it is wrong? Its confidence in 2D, and the error that it expects in
3D."""

import numpy as np

from egolib.evaluation.analysis.answers import BOUNDED, Answer, amount, table_of
from egolib.evaluation.analysis.causes import FOUND
from egolib.evaluation.analysis.components import ErrorComponents
from egolib.evaluation.predictions import Predictions
from egolib.metrics import bootstrap_group_means, equal_bins

_BINS = 10


def calibration(components: ErrorComponents) -> Answer:
    """Is the confidence a probability? Table: ten bins of equal counts of confidence; its mean, and
    the share of joints that are found in 2D (FOUND), in percent with bounds. A joint that is not in
    the image cannot be found."""
    confidence = np.clip(components.confidence, 0, 1)
    found = np.where(np.isfinite(confidence), 100.0 * (components.error_px <= FOUND), np.nan)
    table = _by_bins(100 * confidence, found, components.cluster)
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


def expected_errors(predictions: Predictions) -> Answer:
    """Is the error that a network expects the one that it makes? Table: ten bins of equal counts of
    the expected error; `expected`, its mean, and mean and bounds of the error, in mm."""
    name, question = "does_it_know_its_error", "Does the network know how wrong it is in space?"
    expected, errors = predictions.expected_error_mm, predictions.errors_mm
    if not len(expected):
        return Answer(name, question, "Not available: this model expects no error.")
    table = _by_bins(expected, errors, predictions.sequence).drop(columns="joints")
    least, most = table.iloc[0], table.iloc[-1]
    return Answer(
        name,
        question,
        f"The errors are {errors.mean() / expected.mean():.2f} times as large as those it expects. "
        f"Where it expects least ({least.predicted:.0f} mm) they are {amount(*least[BOUNDED])}, "
        f"where it expects most ({most.predicted:.0f} mm) {amount(*most[BOUNDED])}.",
        table.rename(columns={"predicted": "expected"}),
    )


def _by_bins(predicted, values, clusters):
    """Means of `values` (N, 16) in bins of equal counts of what was `predicted` of them (N, 16),
    NaN where nothing was: mean, low, high, predicted (its mean) and joints (how many)."""
    bins, count = equal_bins(predicted, np.isfinite(predicted), _BINS)
    clusters = np.broadcast_to(clusters[:, None], bins.shape)
    table = table_of(*bootstrap_group_means(values, bins, clusters, count), range(count))
    known = bins >= 0
    joints = np.bincount(bins[known], minlength=count)
    total = np.bincount(bins[known], predicted[known], minlength=count)
    return table.assign(predicted=total / joints, joints=joints)
