"""The fusion of signals into one score, with weights that were fitted once and are the same for everybody."""

from collections.abc import Collection, Mapping

import numpy as np

from limner.memory.ranking import Scores
from limner.memory.signals import SIGNALS

__all__ = ("WEIGHTS", "fused")

WEIGHTS: Mapping[str, float] = {
    "words": 1.05,
    "words of the window": 2.49,
    "words of the sitting": 1.49,
    "words covered": 1.19,
    "words just after": -0.69,
    "meaning": 1.67,
    "closeness": 1.17,
    "meaning of three": 1.04,
    "meaning of five": 1.05,
    "meaning of nine": 0.97,
    "telling": 4.17,
    "answers": 1.21,
    "asks": -0.5,
    "length": 0.76,
    "tells": 0.41,
    "speaker": 2.04,
    "first named": 1.08,
    "month": 3.44,
    "day": 2.13,
    "dates": 1.85,
    "counts": 0.99,
    "names": 0.98,
    "quotes": 1.03,
}
"""What each signal counts."""


def fused(signals: Mapping[str, Scores], without: Collection[str] = ()) -> dict[str, Scores]:
    """Return what each part gives each document: its signals times their weights, with all weights above 0 making 1.

    Args:
        signals: From `limner.memory.signals.signals`, each of shape (c,).
        without: Parts to leave out.
    """
    whole = sum(weight for weight in WEIGHTS.values() if weight > 0)
    parts: dict[str, Scores] = {}
    for name, part in SIGNALS.items():
        if part in without:
            continue
        given = WEIGHTS[name] / whole * signals[name]
        parts[part] = parts[part] + given if part in parts else np.asarray(given)
    return parts
