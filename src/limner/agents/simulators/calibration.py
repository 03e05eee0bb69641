"""What is the same for everybody in a population, learnt from real ratings that its tastes were not fitted on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from limner.agents.simulators.ratings import Floats, Ratings
from limner.agents.simulators.tastes import FEATURES, Tastes
from limner.errors import InputError
from limner.tools import Catalogue

__all__ = ["Calibration", "calibrate", "opinion_shares"]

_MOST_LEVELS = 21
_NEGATIVES_PER_TAKEN = 1
_PRIOR_RATINGS = 10.0


@dataclass(frozen=True)
class Calibration:
    """Learnt once, for all users."""

    weights: tuple[float, ...]
    """Of each of `FEATURES`, in log-odds, in whether somebody takes an item."""
    intercept: float
    """Where as many items were taken as not."""
    noise: float
    """Standard deviation of a rating around what the factors expect."""
    levels: tuple[float, ...]
    """The ratings that there are, rising."""
    cuts: tuple[float, ...]
    """What parts the levels on the scale before rounding, one less than `levels`."""

    def appeal(self, features: Floats) -> Floats:
        """Return the log-odds that somebody takes each item, where half of what is asked about is taken; shape `(items,)`."""
        return np.asarray(features @ np.array(self.weights) + self.intercept)

    def level(self, latent: Floats) -> Floats:
        """Return the rating that each value before rounding becomes."""
        return np.asarray(self.levels)[np.searchsorted(np.asarray(self.cuts), latent, side="right")]


def calibrate(
    catalogue: Catalogue, ratings: Ratings, *, seed: int = 0, among: NDArray[np.bool_] | None = None
) -> Calibration:
    """Learn what is the same for everybody.

    Half of everybody's ratings, drawn at random, is what the tastes are fitted on; the other half says how far tastes can be trusted: the
    weights (logistic regression against items not taken, one for each that was), the noise, and the cuts under which the ratings come out
    with the shares that they really have.

    Args:
        catalogue: The items.
        ratings: Of everybody.
        seed: Of the draws.
        among: Which users the weights, the noise and the cuts are learnt from, shape `(users,)`; all if not given.

    Raises:
        InputError: There are too few ratings to hold some out.
    """
    held = ratings.half(seed)
    tastes = Tastes(catalogue, ratings.where(~held), seed)
    asked = held if among is None else held & among[ratings.user]
    if asked.sum() < len(FEATURES) + 1:
        raise InputError(
            f"{len(ratings)} ratings of {len(ratings.users)} users are too few to hold half of them out: a population needs users with at "
            "least two ratings each."
        )
    late = ratings.where(asked)
    features, taken = _cases(tastes, ratings, late, seed)
    weights = _logistic(features, taken)
    expected = tastes.opinions.pairs(late.user, late.item)
    noise = float(np.std(late.value - expected))
    levels = _levels(ratings.value)
    stretch = opinion_shares(tastes, noise)
    crowd = tastes.ratings.crowd()
    rng = np.random.default_rng([seed, 73])
    own = expected - crowd[late.item] + rng.normal(scale=noise, size=len(late))
    latent = crowd[late.item] + stretch[late.user] * own
    return Calibration(
        weights=tuple(float(one) for one in weights[:-1]),
        intercept=float(weights[-1]),
        noise=noise,
        levels=tuple(levels.tolist()),
        cuts=_cuts(latent, late.value, levels),
    )


def opinion_shares(tastes: Tastes, noise: float) -> Floats:
    """Return how far each user lets their own opinion part from the crowd's, shape `(users,)`: 1 as far as the factors say, 0 not at all.

    It is the factor under which the mean squared distance of their ratings from the crowd's means comes out as it really is (the trait
    `conformity`), pulled to 1 by ten ratings.
    """
    ratings, crowd = tastes.ratings, tastes.ratings.crowd()
    found = np.ones(len(ratings.users))
    usual = float(np.mean((ratings.value - crowd[ratings.item]) ** 2))
    for place in range(len(ratings.users)):
        items, values = ratings.of_user(place)
        if not len(items):
            continue
        real = float(((values - crowd[items]) ** 2).sum())
        modelled = float(((tastes.opinions.of(place)[items] - crowd[items]) ** 2).sum())
        modelled += len(items) * noise**2
        prior = _PRIOR_RATINGS * usual
        found[place] = np.sqrt((real + prior) / (modelled + prior))
    return found


def _cases(tastes: Tastes, ratings: Ratings, late: Ratings, seed: int) -> tuple[Floats, Floats]:
    """Return features and answers: what was taken, and as many items that were not."""
    rng = np.random.default_rng([seed, 74])
    features, taken = [], []
    for place in np.unique(late.user):
        yes = late.of_user(int(place))[0]
        no = np.setdiff1d(np.arange(ratings.items), ratings.of_user(int(place))[0])
        no = rng.choice(no, size=min(len(no), _NEGATIVES_PER_TAKEN * len(yes)), replace=False)
        features.append(tastes.features(int(place))[np.concatenate([yes, no])])
        taken.append(np.concatenate([np.ones(len(yes)), np.zeros(len(no))]))
    return np.concatenate(features), np.concatenate(taken)


def _logistic(features: Floats, taken: Floats) -> Floats:
    """Return weights and, last, the intercept, by iteratively reweighted least squares with a slight pull to 0."""
    design = np.column_stack([features, np.ones(len(features))])
    weights = np.zeros(design.shape[1])
    pull = 1e-2 * np.eye(design.shape[1])
    for _ in range(30):
        odds = expit(design @ weights)
        spread = np.maximum(odds * (1 - odds), 1e-6)
        gradient = design.T @ (taken - odds) - pull @ weights
        step = np.linalg.solve(design.T @ (design * spread[:, None]) + pull, gradient)
        weights = weights + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(weights)


def _levels(values: Floats) -> Floats:
    levels = np.unique(values)
    return (
        levels
        if len(levels) <= _MOST_LEVELS
        else np.unique(np.quantile(values, np.linspace(0, 1, _MOST_LEVELS)))
    )


def _cuts(latent: Floats, values: Floats, levels: Floats) -> tuple[float, ...]:
    """Return the cuts that give `latent` the shares of levels that `values` has."""
    middles = (levels[1:] + levels[:-1]) / 2
    below = np.array([(values < middle).mean() for middle in middles])
    return tuple(float(cut) for cut in np.quantile(latent, below))
