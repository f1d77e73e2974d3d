"""Does a network know when it is wrong? Its confidence in 2D, and the error that it expects in 3D."""

import numpy as np

from egolib.analysis.answers import Answer, amount, table_of
from egolib.analysis.causes import FOUND
from egolib.metrics import bootstrap_group_means, equal_bins, interval

_BINS = 10


def calibration(anatomy):
    """Is the confidence a probability? Table: ten bins of equal counts of confidence; its mean, and
    the share of joints that are found in 2D (FOUND), in percent with bounds. A joint that is not in
    the picture cannot be found."""
    confidence = np.clip(anatomy.confidence, 0, 1)
    known = np.isfinite(confidence)
    found = np.where(known, 100.0 * (anatomy.error_px <= FOUND), np.nan)
    bins, count = equal_bins(confidence, known, _BINS)
    at = bootstrap_group_means(100 * confidence, bins, anatomy.clusters, count, rounds=1)[0]
    means, draws = bootstrap_group_means(found, bins, anatomy.clusters, count)
    joints = np.bincount(bins[known], minlength=count)
    table = table_of(means, draws, range(count)).assign(confidence=at, joints=joints)
    gap = np.nansum(joints * (means - at)) / joints.sum()
    error = np.nansum(joints * np.abs(means - at)) / joints.sum()
    return Answer(
        "is_the_confidence_calibrated",
        "Is the predicted confidence calibrated?",
        f"Joints are found (within {100 * FOUND:.0f} % of the picture's side) {abs(gap):.0f} points "
        f"{'more' if gap > 0 else 'less'} often than their confidence says; the expected calibration "
        f"error is {error:.0f} points. The most confident tenth is found in "
        f"{amount(means[-1], *interval(draws[:, -1]), unit='%')}, the least confident in "
        f"{amount(means[0], *interval(draws[:, 0]), unit='%')}.",
        table,
    )


def expected_errors(anatomy, predictions):
    """Is the error that a network expects the one that it makes? Table: ten bins of equal counts of
    the expected error; `expected`, its mean, and mean and bounds of the error, in mm."""
    question = "Does the network know how wrong it is in space?"
    expected = predictions.spread_mm
    if not len(expected):
        return Answer(
            "does_it_know_its_error", question, "Not available: this model expects no error."
        )
    bins, count = equal_bins(expected, np.isfinite(expected), _BINS)
    at = bootstrap_group_means(expected, bins, anatomy.clusters, count, rounds=1)[0]
    means, draws = bootstrap_group_means(anatomy.error_mm, bins, anatomy.clusters, count)
    ratio = anatomy.error_mm.mean() / expected.mean()
    return Answer(
        "does_it_know_its_error",
        question,
        f"The errors are {ratio:.2f} times as large as those it expects. Where it expects least "
        f"({at[0]:.0f} mm) they are {amount(means[0], *interval(draws[:, 0]))}, where it expects most "
        f"({at[-1]:.0f} mm) {amount(means[-1], *interval(draws[:, -1]))}.",
        table_of(means, draws, range(count)).assign(expected=at),
    )
