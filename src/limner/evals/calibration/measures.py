"""How far stated probabilities are from what happened.

All take probabilities and outcomes as arrays of shape (n,); an outcome is 1, 0, or between the two where it is not certain.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.evals.resampling import Floats
from limner.evals.statistics import wilson

__all__ = [
    "BINS",
    "Bin",
    "bin_places",
    "brier",
    "calibration_error",
    "discrimination",
    "gain",
    "log_loss",
    "reliability",
    "surprise",
]

BINS = 10
"""Bins of equal width in a reliability diagram and in the expected calibration error."""
_EDGE = 0.01
"""Where a logarithm is taken, nothing counts as surer than 99 in 100: one surprise would else outweigh everything."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The claims of one range of probabilities."""

    low: float
    high: float
    n: int
    stated: float
    """Mean probability."""
    held: float
    """Mean outcome."""
    bounds: tuple[float, float]
    """Wilson's 95 % interval of the share that held, each claim counted as independent."""


def brier(stated: Floats, held: Floats) -> float:
    """Return the mean squared distance (Brier, Monthly Weather Review 78, 1950); NaN of nothing."""
    return float(np.mean((stated - held) ** 2)) if len(stated) else float("nan")


def log_loss(stated: Floats, held: Floats) -> float:
    """Return the mean number of bits that the outcomes were a surprise by; NaN of nothing."""
    return float(np.mean(surprise(stated, held))) if len(stated) else float("nan")


def surprise(stated: Floats, held: Floats) -> Floats:
    """Return the bits that each outcome was a surprise by, (n,)."""
    p = np.clip(stated, _EDGE, 1 - _EDGE)
    return np.asarray(-(held * np.log2(p) + (1 - held) * np.log2(1 - p)), dtype=np.float64)


def gain(stated: Floats, held: Floats, base: Floats) -> float:
    """Return how many bits a claim less surprising the outcomes are than by how often the same holds of anybody."""
    return log_loss(base, held) - log_loss(stated, held)


def calibration_error(stated: Floats, held: Floats, bins: int = BINS) -> float:
    """Return the expected calibration error: the mean distance of a bin's stated and held share, weighted by its claims.

    Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015, with bins of
    equal width. Of few claims it comes out above 0 by chance alone.
    """
    if not len(stated):
        return float("nan")
    places = bin_places(stated, bins)
    sizes = np.bincount(places, minlength=bins)
    gaps = np.abs(np.bincount(places, stated - held, bins))
    return float(gaps.sum() / sizes.sum())


def discrimination(stated: Floats, held: Floats) -> float:
    """Return how often, of a claim that held and one that did not, the first was the surer; ties count half.

    The area under the ROC curve; NaN where all claims came out alike. Outcomes between 0 and 1 are left out.
    """
    yes, no = np.sort(stated[held == 1]), stated[held == 0]
    if not len(yes) or not len(no):
        return float("nan")
    below, upto = np.searchsorted(yes, no, "left"), np.searchsorted(yes, no, "right")
    return float(np.mean((len(yes) - upto) + (upto - below) / 2) / len(yes))


def reliability(stated: Floats, held: Floats, bins: int = BINS) -> list[Bin]:
    """Return the bins that hold any claim, rising."""
    places = bin_places(stated, bins)
    found = []
    for place in range(bins):
        mine = places == place
        n = int(mine.sum())
        if n:
            share = float(held[mine].mean())
            bounds = wilson(min(n, round(share * n)), n)
            found.append(Bin(place / bins, (place + 1) / bins, n, float(stated[mine].mean()), share, bounds))
    return found


def bin_places(stated: Floats, bins: int) -> NDArray[np.intp]:
    """Return the bin of each probability, (n,)."""
    # The hair is for numbers such as 0.3 * 10, which come out below 3.
    return np.clip(np.floor(stated * bins + 1e-9), 0, bins - 1).astype(np.intp)
