"""Maps from stated to observed, fitted on judged claims, the simplest that does as well as any.

Platt, "Probabilistic outputs for support vector machines" (1999): a logistic curve of the log-odds. Kull, Silva Filho and
Flach, "Beta calibration" (AISTATS 2017): the same with either end bent for itself. Zadrozny and Elkan (KDD 2002): isotonic
regression, which takes any rising shape and needs the most claims for it.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from limner.evals.calibration.measures import surprise
from limner.evals.resampling import Floats
from limner.profiles.propositions.recalibration import ConfidenceMap

__all__ = ["FORMS", "LEAST", "Choice", "Form", "applied", "chosen_map", "fitted_map"]

Form = Literal["identity", "logistic", "beta", "isotonic"]
FORMS: tuple[Form, ...] = ("identity", "logistic", "beta", "isotonic")
"""From the simplest to the freest."""

LEAST = 100
"""Claims below which nothing is fitted: what few of them show is mostly chance."""
_FOLDS = 5
_LEAST_SLOPE = 0.01
"""A map that is flat would make all claims equally sure; this keeps the order."""
_EDGE = 1e-6


@dataclass(frozen=True)
class Choice:
    """The map that was chosen, and how the others did."""

    map: ConfidenceMap
    form: Form
    losses: dict[Form, float]
    """Bits a claim on the folds left out; empty where too few claims were there to try."""


def applied(map_: ConfidenceMap, stated: Floats) -> Floats:
    """Return what a map makes of each probability, (n,)."""
    return np.array([map_(float(p)) for p in stated], dtype=np.float64)


def fitted_map(stated: Floats, held: Floats, form: Form) -> ConfidenceMap:
    """Fit one form by least log-loss (isotonic: by least squares).

    Args:
        stated: Probabilities, (n,).
        held: Outcomes in [0, 1], (n,).
        form: Which.

    Raises:
        ValueError: There is no claim.
    """
    if not len(stated):
        raise ValueError("No claims to fit a map on.")
    if form == "identity":
        return ConfidenceMap()
    return _isotonic(stated, held) if form == "isotonic" else _beta(stated, held, tied=form == "logistic")


def chosen_map(
    stated: Floats, held: Floats, users: Sequence[Hashable], *, seed: int = 0, forms: Sequence[Form] = FORMS
) -> Choice:
    """Return the simplest form whose loss is within one standard error of the best.

    Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees" (1984), §3.4.3. Losses are those on folds left
    out, each person in one fold; the standard error is that of the difference to the best over people. Fewer than `LEAST`
    claims are left as they are.

    Args:
        stated: Probabilities, (n,).
        held: Outcomes, (n,).
        users: Whose each claim is, (n,).
        seed: Of the folds.
        forms: Which to try, the simplest first.
    """
    names = list(dict.fromkeys(users))
    if len(stated) < LEAST or len(set(held.tolist())) < 2:
        return Choice(ConfidenceMap(), "identity", {})
    if len(names) < 2 * _FOLDS:  # too few people to leave some out
        names = list(range(len(stated)))
        codes = np.arange(len(stated))
    else:
        places = {name: i for i, name in enumerate(names)}
        codes = np.array([places[user] for user in users])
    fold = np.random.default_rng(seed).permutation(len(names)) % _FOLDS
    of_claim = fold[codes]
    each = {form: _left_out(stated, held, of_claim, form) for form in forms}
    losses: dict[Form, float] = {form: float(loss.mean()) for form, loss in each.items()}
    best = min(forms, key=lambda form: losses[form])
    for form in forms:
        if form == best or losses[form] - losses[best] <= _error(each[form] - each[best], codes):
            return Choice(fitted_map(stated, held, form), form, losses)
    raise AssertionError("the best form is among the forms")


def _left_out(stated: Floats, held: Floats, fold: np.ndarray, form: Form) -> Floats:
    losses = np.zeros(len(stated))
    for number in range(_FOLDS):
        out = fold == number
        if out.any():
            map_ = fitted_map(stated[~out], held[~out], form)
            losses[out] = surprise(applied(map_, stated[out]), held[out])
    return losses


def _error(differences: Floats, codes: np.ndarray) -> float:
    """Return the standard error of a mean over claims, whole people being what varies."""
    sums = np.bincount(codes, differences - differences.mean())
    return float(np.sqrt((sums**2).sum()) / len(differences))


def _beta(stated: Floats, held: Floats, *, tied: bool) -> ConfidenceMap:
    from scipy.optimize import minimize

    p = np.clip(stated, _EDGE, 1 - _EDGE)
    first, second = np.log(p), -np.log1p(-p)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        a, b, c = parameters
        odds = a * first + b * second + c
        value = float(np.mean(np.logaddexp(0, odds) - held * odds))
        error = 1 / (1 + np.exp(-odds)) - held
        return value, np.array([np.mean(error * first), np.mean(error * second), np.mean(error)])

    if tied:
        found = minimize(
            _tied(loss),
            np.array([1.0, 0.0]),
            jac=True,
            method="L-BFGS-B",
            bounds=[(_LEAST_SLOPE, None), (None, None)],
        ).x
        a = b = float(found[0])
        c = float(found[1])
    else:
        bounds = [(_LEAST_SLOPE, None), (_LEAST_SLOPE, None), (None, None)]
        found = minimize(loss, np.array([1.0, 1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds).x
        a, b, c = (float(value) for value in found)
    return ConfidenceMap(form="beta", a=round(a, 4), b=round(b, 4), c=round(c, 4))


def _tied(
    loss: Callable[[Floats], tuple[float, Floats]],
) -> Callable[[Floats], tuple[float, Floats]]:
    def tied(parameters: Floats) -> tuple[float, Floats]:
        value, slopes = loss(np.array([parameters[0], parameters[0], parameters[1]]))
        return value, np.array([slopes[0] + slopes[1], slopes[2]])

    return tied


def _isotonic(stated: Floats, held: Floats) -> ConfidenceMap:
    from scipy.optimize import isotonic_regression

    at, places = np.unique(stated, return_inverse=True)
    sizes = np.bincount(places)
    means = np.bincount(places, held) / sizes
    levels = isotonic_regression(means, weights=sizes).x
    # Both ends of each level are knots; what lies between two levels rises from one to the other.
    ends = np.flatnonzero(np.diff(levels) > 1e-12)
    knots = sorted({0, len(at) - 1, *ends.tolist(), *(ends + 1).tolist()})
    if len(knots) < 2:
        return ConfidenceMap(form="steps", at=(0.0, 1.0), gives=(float(levels[0]), float(levels[0])))
    return ConfidenceMap(
        form="steps",
        at=tuple(float(at[knot]) for knot in knots),
        gives=tuple(round(min(1.0, max(0.0, float(levels[knot]))), 4) for knot in knots),
    )
