"""What a closed loop states: each round of each arm, and how arms differ, over seeds."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from limner.evals.closed_loop.arms import Arm
from limner.evals.closed_loop.measures import ABOUT

__all__ = ["Run", "differences", "over_seeds", "rows"]

Run = Sequence[Mapping[str, float | None]]
"""The figures of one run, round by round."""


def over_seeds(values: Sequence[float | None]) -> dict[str, float | None]:
    """Return the mean over runs with other seeds, and Student's 95 % interval for it; no interval for fewer than two runs."""
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if not len(known):
        return {"mean": None, "low": None, "high": None}
    mean = float(known.mean())
    if len(known) < 2:
        return {"mean": _rounded(mean), "low": None, "high": None}
    half = float(stdtrit(len(known) - 1, 0.975)) * float(known.std(ddof=1)) / math.sqrt(len(known))
    return {"mean": _rounded(mean), "low": _rounded(mean - half), "high": _rounded(mean + half)}


def rows(arm: Arm, runs: Sequence[Run]) -> dict[str, Any]:
    """Return the row of one arm.

    Returns:
        `name`, `rounds` (one mapping of figure to `over_seeds` each) and `change`: the last round less the first, run by run.
    """
    return {
        "name": arm.name,
        "failed": None,
        "rounds": [
            {name: over_seeds([run[number][name] for run in runs]) for name in ABOUT}
            for number in range(len(runs[0]))
        ],
        "change": {name: over_seeds([_less(run[-1][name], run[0][name]) for run in runs]) for name in ABOUT},
    }


def differences(arms: Sequence[Arm], found: Mapping[str, Mapping[int, Run]]) -> list[dict[str, Any]]:
    """Return how arms differ, seed by seed: one with room or frozen from the plain one of its recommender, where it was run; others from the first.

    Args:
        arms: In the order asked for.
        found: Runs by name of the arm and seed.

    Returns:
        For each pair `arm`, `less`, and for `all` rounds together and for the `last` one a mapping of figure to `over_seeds`.
    """
    told = []
    there = [arm for arm in arms if arm.name in found]
    for arm in there:
        other = arm.plain if arm.plain != arm.name and arm.plain in found else there[0].name
        if other == arm.name:
            continue
        seeds = [seed for seed in found[arm.name] if seed in found[other]]
        pairs = [(found[arm.name][seed], found[other][seed]) for seed in seeds]
        told.append({
            "arm": arm.name,
            "less": other,
            "all": {n: over_seeds([_less(_mean(a, n), _mean(b, n)) for a, b in pairs]) for n in ABOUT},
            "last": {n: over_seeds([_less(a[-1][n], b[-1][n]) for a, b in pairs]) for n in ABOUT},
        })
    return told


def _mean(run: Run, name: str) -> float | None:
    values = [value for one in run if (value := one[name]) is not None]
    return float(np.mean(values)) if values else None


def _less(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second


def _rounded(value: float) -> float:
    return round(value, 5)
