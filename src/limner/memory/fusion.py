"""The fusion of signals into one score, with weights that were fitted once and are the same for everybody."""

from collections.abc import Mapping

import numpy as np

from limner.memory.ranking import Scores
from limner.memory.signals import SIGNALS

__all__ = ("WEIGHTS", "fused")

WEIGHTS: Mapping[str, float] = {
    "words": 1.16,
    "words of the window": 2.56,
    "words of the sitting": 1.48,
    "words covered": 1.17,
    "words just after": -0.65,
    "meaning": 2.17,
    "meaning of three": 1.11,
    "meaning of five": 1.07,
    "meaning of nine": 0.93,
    "answers": 1.3,
    "asks": -0.46,
    "length": 0.88,
    "speaker": 2.13,
    "month": 3.75,
    "dates": 1.86,
    "counts": 1.03,
    "names": 1.05,
    "quotes": 1.21,
}
"""What each signal counts."""


def fused(signals: Mapping[str, Scores]) -> dict[str, Scores]:
    """Return what each part gives each document: its signals times their weights, with all weights above 0 making 1.

    Args:
        signals: From `limner.memory.signals.signals`, each of shape (c,).
    """
    whole = sum(weight for weight in WEIGHTS.values() if weight > 0)
    parts: dict[str, Scores] = {}
    for name, part in SIGNALS.items():
        given = WEIGHTS[name] / whole * signals[name]
        parts[part] = parts[part] + given if part in parts else np.asarray(given)
    return parts
