"""From log-odds to probabilities that fit: a bias and a slope, fitted on users that nothing is reported of.

A model's "yes" is worth what it is worth: without this, log-loss measures how fond it is of the word and hardly anything of the
profile (Platt 1999, "Probabilistic Outputs for Support Vector Machines", with a ridge in the place of his smoothed targets).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Link", "losses", "within_auc"]

Floats = NDArray[np.float64]
_STEPS = 50
_CLIP = 30.0


@dataclass(frozen=True)
class Link:
    """A logistic regression on scaled features."""

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    """The bias first, then one for each feature, scaled."""

    @classmethod
    def fit(
        cls,
        features: Floats,
        liked: NDArray[np.bool_],
        *,
        ridge: float = 1.0,
        counts: Floats | None = None,
        upright: bool = False,
    ) -> Self:
        """Fit by Newton's method; the bias is not held back.

        Args:
            features: Shape `(n, features)`.
            liked: Shape `(n,)`.
            ridge: Weight of the squared weights against the sum of the losses.
            counts: How much each row counts, shape `(n,)`; none is 1.
            upright: Whether a weight below 0 is taken for 0: a judge is doubted, but never turned round.

        Raises:
            ValueError: There is no row, or there are rows of one kind only.
        """
        if not liked.any() or liked.all():
            raise ValueError("Both liked and other items are needed to fit to.")
        centre, scale = features.mean(axis=0), features.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        rows = np.column_stack([np.ones(len(features)), (features - centre) / scale])
        held = ridge * np.eye(rows.shape[1])
        held[0, 0] = 1e-9
        weights = np.zeros(rows.shape[1])
        each = np.ones(len(rows)) if counts is None else counts
        for _ in range(_STEPS):
            p = _sigmoid(rows @ weights)
            gradient = rows.T @ (each * (p - liked)) + held @ weights
            step = np.linalg.solve(rows.T @ (rows * (each * p * (1 - p))[:, None]) + held, gradient)
            weights -= step
            if np.abs(step).max() < 1e-9:
                break
        if upright:
            weights[1:] = np.maximum(weights[1:], 0.0)
        return cls(tuple(centre.tolist()), tuple(scale.tolist()), tuple(weights.tolist()))

    def probabilities(self, features: Floats) -> Floats:
        """Return how likely each row is to be liked, shape `(n,)`."""
        scaled = (features - np.array(self.centre)) / np.array(self.scale)
        return _sigmoid(self.weights[0] + scaled @ np.array(self.weights[1:]))


def losses(probabilities: Floats, liked: Sequence[bool] | NDArray[np.bool_]) -> Floats:
    """Return the log-loss of each prediction, in nats: log 2 = 0.693 is what knowing nothing costs."""
    likely = np.clip(probabilities, 1e-9, 1 - 1e-9)
    return -np.where(np.asarray(liked), np.log(likely), np.log1p(-likely))


def within_auc(scores: Floats, liked: Sequence[bool] | NDArray[np.bool_]) -> float:
    """Return how often a liked target of one user scores above another one; a tie counts half."""
    chosen = np.asarray(liked)
    above = scores[chosen][:, None] - scores[~chosen][None]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -_CLIP, _CLIP))))
