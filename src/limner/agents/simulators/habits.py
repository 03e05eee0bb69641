"""How somebody browses and rates, counted from their own ratings: the social traits of Agent4Rec (Zhang et al. 2024, §2.2.1)."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import gammaln

from limner.agents.simulators.ratings import Floats, Places

__all__ = ["DRAWN", "Habits", "habits_of"]

DRAWN = 20
"""Items that `Habits.variety` imagines to be drawn."""


@dataclass(frozen=True)
class Habits:
    """Three traits as the paper counts them, and one that activity does not inflate."""

    activity: float
    """How many items they took."""
    conformity: float
    """Mean squared distance of their ratings from the crowd's mean of each item; the lower, the more they go with the crowd."""
    diversity: float
    """How many different attribute values (genres) their items have."""
    variety: float
    """How many different values twenty of their items would have, drawn at random (rarefaction: Hurlbert, Ecology 52, 1971, equation 14), or all of
    them where they have fewer."""


def habits_of(items: Places, values: Floats, crowd: Floats, attributes: csr_array) -> Habits:
    """Count the habits that somebody's ratings show.

    Args:
        items: Places of what they rated, shape `(n,)`.
        values: Their ratings.
        crowd: The crowd's mean of every item, shape `(items,)`.
        attributes: Which item has which value, shape `(items, values)`.

    Returns:
        Habits; conformity is NaN where nothing was rated.
    """
    counts = np.asarray(attributes[items].sum(axis=0)).ravel() if len(items) else np.zeros(1)
    return Habits(
        activity=float(len(items)),
        conformity=float(np.mean((values - crowd[items]) ** 2)) if len(items) else float("nan"),
        diversity=float((counts > 0).sum()),
        variety=_rarefied(counts, len(items)),
    )


def _rarefied(counts: Floats, n: int) -> float:
    drawn = min(DRAWN, n)
    counts = counts[counts > 0]
    rest = n - counts
    possible = rest >= drawn
    absent = np.zeros(len(counts))
    absent[possible] = np.exp(_log_choose(rest[possible], drawn) - _log_choose(np.array([float(n)]), drawn))
    return float((1.0 - absent).sum())


def _log_choose(n: Floats, k: int) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
