"""Intervals over people for measures of calibration, without a call for each resample.

The scheme is that of `limner.evals.resampling.bootstrap`: whole people are drawn with replacement, as many as there are. All
measures here are sums over people, put together at the end, so a resample is a row of how often each was drawn.
"""

import math
from collections.abc import Hashable, Sequence

import numpy as np

from limner.evals.calibration.measures import BINS, bin_places, surprise
from limner.evals.resampling import Floats, Interval

__all__ = ["Resampled", "interval"]

_RESAMPLES = 2000


class Resampled:
    """Resamples of the people behind some claims.

    Args:
        users: Whose each claim is, (n,).
        seed: Of the draws.
    """

    def __init__(self, users: Sequence[Hashable], seed: int) -> None:
        codes = {user: code for code, user in enumerate(dict.fromkeys(users))}
        self._codes = np.array([codes[user] for user in users], dtype=np.intp)
        self._people = len(codes)
        rng = np.random.default_rng(seed)
        even = np.full(max(1, self._people), 1 / max(1, self._people))
        self._times = rng.multinomial(self._people, even, _RESAMPLES).astype(np.float64)
        self._claims = self._times @ self._sums(np.ones(len(users)))

    def brier(self, stated: Floats, held: Floats) -> Floats:
        """Return the Brier score of each resample, (resamples,)."""
        return self._means((stated - held) ** 2)

    def log_loss(self, stated: Floats, held: Floats) -> Floats:
        """Return the log-loss of each resample, in bits."""
        return self._means(surprise(stated, held))

    def calibration_error(self, stated: Floats, held: Floats) -> Floats:
        """Return the expected calibration error of each resample."""
        gaps = np.zeros((self._people, BINS))
        np.add.at(gaps, (self._codes, bin_places(stated, BINS)), stated - held)
        errors: Floats = np.abs(self._times @ gaps).sum(axis=1) / self._claims
        return errors

    def _means(self, values: Floats) -> Floats:
        means: Floats = self._times @ self._sums(values) / self._claims
        return means

    def _sums(self, values: Floats) -> Floats:
        sums: Floats = np.bincount(self._codes, values, self._people).astype(np.float64)
        return sums


def interval(drawn: Floats, people: int) -> Interval:
    """Return the 95 % percentile interval; NaN for fewer than two people, who tell nothing about the next."""
    if people < 2:
        return math.nan, math.nan
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)
