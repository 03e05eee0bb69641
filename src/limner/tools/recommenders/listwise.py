"""Weights of a few signs by which the wanted item of each list comes first."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

__all__ = ["Lesson", "listwise_weights"]


class Lesson(NamedTuple):
    """A list of items and which of them was wanted."""

    signs: NDArray[np.float32]
    """Shape `(signs, items)`."""
    wanted: int
    """Place of the wanted item."""


def listwise_weights(
    lessons: Sequence[Lesson], start: NDArray[np.float64], penalty: float
) -> NDArray[np.float64]:
    """Return the weights, shape `(signs,)`, that make the wanted items likeliest under a softmax over each list.

    ListNet's top-one loss (Cao et al., ICML 2007, §4) with one wanted item, `penalty · |w|²` added to its mean.
    Without a lesson `start` is returned.
    """
    if not lessons:
        return start.copy()

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, slope = 0.0, np.zeros_like(weights)
        for signs, wanted in lessons:
            scores = weights @ signs
            scores -= scores.max()
            likely = np.exp(scores)
            total += float(np.log(likely.sum()) - scores[wanted])
            slope += signs @ (likely / likely.sum()) - signs[:, wanted]
        count = len(lessons)
        return (
            total / count + penalty * float(weights @ weights),
            slope / count + 2.0 * penalty * weights,
        )

    found = minimize(loss, start, jac=True, method="L-BFGS-B")
    return np.asarray(found.x, dtype=np.float64)
