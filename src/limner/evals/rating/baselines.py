"""What conventional predictors make of the ratings that are not hidden.

Every predictor takes the known ratings and the (user, item) pairs that are asked about, and returns one rating per
pair, within the scale.
"""

import importlib
import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.evals.rating.ratings import HIGHEST, LOWEST

__all__ = [
    "Damping",
    "Known",
    "biased_mf",
    "biases",
    "item_mean",
    "lenskit_installed",
    "selected_damping",
    "user_mean",
]

Pairs = Sequence[tuple[str, str]]
Values = NDArray[np.float64]
Places = NDArray[np.intp]

_STEPS = 500
_EXACT = 1e-6
"""Change of a bias below which the alternation has ended; far below what a printed score shows."""


@dataclass(frozen=True)
class Damping:
    """How many ratings of the mean each user and each item is given on top of its own (λ of the squared biases)."""

    user: float = 5.0
    item: float = 1.0


class Known:
    """Ratings as arrays.

    Args:
        ratings: (user, item, value); at least one.
    """

    def __init__(self, ratings: Iterable[tuple[str, str, float]]) -> None:
        rows = list(ratings)
        self.users = {name: place for place, name in enumerate(dict.fromkeys(row[0] for row in rows))}
        self.items = {name: place for place, name in enumerate(dict.fromkeys(row[1] for row in rows))}
        self.user: Places = np.array([self.users[row[0]] for row in rows], dtype=np.intp)
        self.item: Places = np.array([self.items[row[1]] for row in rows], dtype=np.intp)
        self.value: Values = np.array([row[2] for row in rows], dtype=np.float64)
        self.mean = float(self.value.mean())


def user_mean(known: Known, asked: Pairs) -> Values:
    """Predict each user's mean rating; the mean of all where the user is new."""
    means = _damped(known.value, known.user, len(known.users), 0.0)
    return _picked(means, known.users, [user for user, _ in asked], known.mean)


def item_mean(known: Known, asked: Pairs) -> Values:
    """Predict each item's mean rating; the mean of all where the item is new."""
    means = _damped(known.value, known.item, len(known.items), 0.0)
    return _picked(means, known.items, [item for _, item in asked], known.mean)


def biases(known: Known, asked: Pairs, damping: Damping = Damping()) -> Values:
    """Predict `μ + b_u + b_i`: the mean of all, and how far a user and an item usually lie from it.

    The biases minimise `Σ (r_ui - μ - b_u - b_i)² + λ_u Σ b_u² + λ_i Σ b_i²` (Koren, Bell and Volinsky, IEEE Computer
    2009, "Adding biases"), solved by turns: `b_i = Σ_u (r_ui - μ - b_u) / (n_i + λ_i)`, and the same for users, until
    nothing moves. A user or an item that is new has a bias of 0. The defaults of λ have the lowest RMSE on the
    validation ratings of MovieLens-100K among those that `selected_damping` tries.
    """
    off_user, off_item = np.zeros(len(known.users)), np.zeros(len(known.items))
    left = known.value - known.mean
    for _ in range(_STEPS):
        before = off_user
        off_item = _damped(left - off_user[known.user], known.item, len(known.items), damping.item)
        off_user = _damped(left - off_item[known.item], known.user, len(known.users), damping.user)
        if np.abs(off_user - before).max() < _EXACT:
            break
    of_users = _picked(off_user, known.users, [user for user, _ in asked], 0.0)
    of_items = _picked(off_item, known.items, [item for _, item in asked], 0.0)
    return _within(known.mean + of_users + of_items)


def selected_damping(
    known: Known, asked: Pairs, gold: Values, values: Sequence[float] = (1, 2, 5, 10, 25)
) -> Damping:
    """Return the damping with the lowest RMSE on validation ratings; the first of equals.

    Zero is not tried: an item with a single rating would take all of that rating's surprise for its own.

    Args:
        known: What there is to learn from, without the validation ratings.
        asked: Pairs of the validation ratings, the user's last but one.
        gold: The validation ratings.
        values: What to try for users and for items.
    """
    tried = [Damping(*pair) for pair in product(values, repeat=2)]
    errors = [float(((biases(known, asked, one) - gold) ** 2).mean()) for one in tried]
    return tried[int(np.argmin(errors))]


def lenskit_installed() -> bool:
    """Whether `biased_mf` can be had: it needs the extra `lenskit`."""
    return importlib.util.find_spec("lenskit") is not None


def biased_mf(known: Known, asked: Pairs, seed: int = 0) -> Values:
    """Predict by LensKit's biased matrix factorisation (Zhou et al., AAIM 2008), trained by alternating least squares.

    32 features and λ = .15, which have the lowest RMSE on the validation ratings of MovieLens-100K among 8, 16, 32, 50
    and 100 features and λ of .05, .1, .15, .2 and .3; ten epochs and the bias damping of 5 are LensKit's own defaults.
    What LensKit cannot score, as the item or the user is new, is predicted by `biases`.
    """
    # Imported here: it brings torch.
    items = importlib.import_module("lenskit.data").ItemList
    scorer = _trained(known, seed)
    predicted = biases(known, asked)
    for place, (user, item) in enumerate(asked):
        if user in known.users and item in known.items:
            scored = scorer(known.users[user], items(item_ids=[known.items[item]])).scores("numpy")
            predicted[place] = scored[0]
    return _within(predicted)


def _trained(known: Known, seed: int) -> Any:  # noqa: ANN401 - LensKit is optional
    pandas = importlib.import_module("pandas")
    # A pair that was rated twice counts once, as it was rated last: LensKit takes no repeats.
    latest = {
        (user, item): value
        for user, item, value in zip(
            known.user.tolist(), known.item.tolist(), known.value.tolist(), strict=True
        )
    }
    frame = pandas.DataFrame({
        "user_id": [user for user, _ in latest],
        "item_id": [item for _, item in latest],
        "rating": np.array(list(latest.values()), dtype=np.float32),
    })
    scorer = importlib.import_module("lenskit.als").BiasedMFScorer(embedding_size=32, regularization=0.15)
    options = importlib.import_module("lenskit.training").TrainingOptions(rng=seed)
    scorer.train(importlib.import_module("lenskit.data").from_interactions_df(frame), options)
    return scorer


def _damped(values: Values, places: Places, count: int, damping: float) -> Values:
    """Return, for each place, the sum of its values over their number and the damping."""
    sums = np.bincount(places, weights=values, minlength=count)
    return np.asarray(sums / (np.bincount(places, minlength=count) + damping), dtype=np.float64)


def _picked(values: Values, places: dict[str, int], names: Sequence[str], default: float) -> Values:
    return np.array([values[places[name]] if name in places else default for name in names], dtype=np.float64)


def _within(values: Values) -> Values:
    return np.clip(values, LOWEST, HIGHEST)
