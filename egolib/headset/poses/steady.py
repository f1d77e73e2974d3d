"""Poses of a sequence made steady as they come, without looking ahead."""

import numpy as np


class OneEuroFilter:
    """The 1 euro filter (Casiez, Roussel & Vogel, CHI 2012): a low pass whose cutoff rises with the
    speed of what it follows, so that rest is smooth and movement late by little.

    Every number of an array is filtered for itself. cutoff_hz: at rest. speed_weight: hertz that the
    cutoff rises per unit of speed; of metres, hertz per metre a second.
    """

    def __init__(self, cutoff_hz=1.0, speed_weight=8.0, speed_cutoff_hz=1.0):
        self.cutoff_hz = cutoff_hz
        self.speed_weight = speed_weight
        self.speed_cutoff_hz = speed_cutoff_hz
        self._last = None

    def __call__(self, values, time_s):
        """The next array, of the same shape each time, at a later time -> it filtered."""
        if self._last is None or not time_s > self._last[0]:
            self._last = time_s, values, np.zeros_like(values)
            return values
        before_s, filtered, speed = self._last
        step_s = time_s - before_s
        faster = (values - filtered) / step_s - speed
        speed = speed + _share(step_s, self.speed_cutoff_hz) * faster
        cutoff_hz = self.cutoff_hz + self.speed_weight * np.abs(speed)
        filtered = filtered + _share(step_s, cutoff_hz) * (values - filtered)
        self._last = time_s, filtered, speed
        return filtered


def _share(step_s, cutoff_hz):
    """How much of a new value an exponential low pass lets in."""
    radians = 2 * np.pi * cutoff_hz * step_s
    return radians / (radians + 1)
