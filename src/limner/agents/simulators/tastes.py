"""What a population likes and what it leans to: the hidden truth of simulated users, which no recommender is shown.

Two models, for two questions that real people's data answer differently: how somebody would rate an item if they watched it
(`Opinions`), and which items they are drawn to in the first place (`Tastes.features`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import svds

from limner.agents.simulators.ratings import Floats, Places, Ratings
from limner.profiles.propositions.findings import attribute_keys
from limner.tools import Catalogue

__all__ = ["FEATURES", "Opinions", "Tastes", "attribute_matrix"]

FEATURES = ("popularity", "leaning", "attributes", "opinion")
"""What draws somebody to an item, in the order of `Tastes.features`."""

_OWN_RATINGS = 5.0
"""Ratings at the mean that a user's and an item's own are mixed with."""
_FACTORS = 8
_STIFFNESS = 14.0
"""λ of the factors."""
_PASSES = 12
_BREADTH = 20.0
"""Interactions that a user's and an item's own are mixed with."""
_LEAST_LIFT = 0.05
_ATTRIBUTE_PRIOR = 10.0


@dataclass(frozen=True)
class Opinions:
    """How each user would rate each item: `μ + b_u + b_i + p_u·q_i` (Koren, Bell and Volinsky, Computer 42, 2009, equation 5).

    Fitted by alternating least squares, the biases first.
    """

    mean: float
    users: Floats
    """Shape `(users,)`."""
    items: Floats
    user_factors: Floats
    """Shape `(users, factors)`."""
    item_factors: Floats

    @classmethod
    def fit(cls, ratings: Ratings, seed: int) -> "Opinions":
        """Fit on ratings."""
        mean, (user, item) = float(ratings.value.mean()), _biases(ratings)
        left = ratings.value - mean - user[ratings.user] - item[ratings.item]
        shape = (len(ratings.users), ratings.items)
        there = ratings.matrix
        residual = csr_array((left, (ratings.user, ratings.item)), shape=shape)
        rng = np.random.default_rng([seed, 72])
        items = rng.normal(scale=0.1, size=(ratings.items, _FACTORS))
        users = np.zeros((len(ratings.users), _FACTORS))
        for _ in range(_PASSES):
            users = _least_squares(there, residual, items)
            items = _least_squares(csr_array(there.T), csr_array(residual.T), users)
        return cls(mean, user, item, users, items)

    def pairs(self, user: Places, item: Places) -> Floats:
        """Return what each user would rate the item beside them, shape `(pairs,)`."""
        factors = (self.user_factors[user] * self.item_factors[item]).sum(axis=1)
        return np.asarray(self.mean + self.users[user] + self.items[item] + factors)

    def of(self, user: int) -> Floats:
        """Return what a user would rate each item, shape `(items,)`, before chance and the bounds of the scale."""
        return np.asarray(
            self.mean + self.users[user] + self.items + self.item_factors @ self.user_factors[user]
        )


class Tastes:
    """What draws users to items, and how they would rate them.

    Leanings are the truncated reconstruction of correspondence analysis (Greenacre, "Theory and Applications of Correspondence
    Analysis", 1984, §4.1): how much more often a user takes an item than its popularity and their activity would have it. It is none of the models that
    limner recommends with, which a simulated user should not be made of.

    Args:
        catalogue: The items.
        ratings: What the truth is fitted on.
        seed: Of the first values.
    """

    def __init__(self, catalogue: Catalogue, ratings: Ratings, seed: int = 0) -> None:
        self.catalogue = catalogue
        self.ratings = ratings
        self.opinions = Opinions.fit(ratings, seed)
        self._users, self._items = _leanings(ratings.matrix)
        self._attributes = attribute_matrix(catalogue)

    @cached_property
    def _popularity(self) -> Floats:
        counts = np.bincount(self.ratings.item, minlength=self.ratings.items)
        return np.asarray(np.log1p(counts), dtype=np.float64)

    @cached_property
    def _by_attribute(self) -> tuple[Floats, Floats]:
        """How often each user, and how often everybody, takes items of each attribute value."""
        own = np.asarray((self.ratings.matrix @ self._attributes).todense(), dtype=np.float64)
        return own, own.sum(axis=0) / max(len(self.ratings), 1)

    def features(self, user: int) -> Floats:
        """Return what draws a user to each item, shape `(items, len(FEATURES))`."""
        lift = 1.0 + self._items @ self._users[user]
        opinion = self.opinions.of(user)
        return np.column_stack([
            self._popularity,
            np.log(np.maximum(lift, _LEAST_LIFT)),
            self._drawn_by_attributes(user),
            opinion - opinion.mean(),
        ])

    def _drawn_by_attributes(self, user: int) -> Floats:
        own, shares = self._by_attribute
        total = float(self.ratings.matrix[[user]].sum())
        expected = np.maximum(shares, 1e-9)
        lift = (own[user] + _ATTRIBUTE_PRIOR * expected) / ((total + _ATTRIBUTE_PRIOR) * expected)
        sizes = np.maximum(np.asarray(self._attributes.sum(axis=1)), 1.0)
        return np.asarray((self._attributes @ np.log(lift)) / sizes)


def attribute_matrix(catalogue: Catalogue) -> csr_array:
    """Return which item has which attribute value, shape `(items, values)`; values that one item alone has are left out."""
    keys: dict[tuple[str, str], list[int]] = {}
    for place, item in enumerate(catalogue):
        for key in dict.fromkeys(attribute_keys(item.attributes)):
            keys.setdefault(key, []).append(place)
    held: Sequence[list[int]] = [places for places in keys.values() if len(places) > 1]
    rows = [place for places in held for place in places]
    columns = [column for column, places in enumerate(held) for _ in places]
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(catalogue), max(len(held), 1)))


def _biases(ratings: Ratings) -> tuple[Floats, Floats]:
    left = ratings.value - ratings.value.mean()
    users, items = np.zeros(len(ratings.users)), np.zeros(ratings.items)
    for _ in range(10):
        items = _shrunken(left - users[ratings.user], ratings.item, ratings.items)
        users = _shrunken(left - items[ratings.item], ratings.user, len(ratings.users))
    return users, items


def _shrunken(values: Floats, places: Places, size: int) -> Floats:
    counts = np.bincount(places, minlength=size)
    return np.asarray(np.bincount(places, values, minlength=size) / (counts + _OWN_RATINGS))


def _least_squares(there: csr_array, wanted: csr_array, others: Floats) -> Floats:
    squares = np.einsum("if,ig->ifg", others, others).reshape(len(others), -1)
    normal = np.asarray(there @ squares).reshape(-1, _FACTORS, _FACTORS)
    normal[:, np.arange(_FACTORS), np.arange(_FACTORS)] += _STIFFNESS
    return np.asarray(np.linalg.solve(normal, np.asarray(wanted @ others)[:, :, None])[:, :, 0])


def _leanings(matrix: csr_array) -> tuple[Floats, Floats]:
    """Return factors of users and of items whose products are the lifts less 1."""
    users = np.asarray(matrix.sum(axis=1)) + _BREADTH
    items = np.asarray(matrix.sum(axis=0)) + _BREADTH
    scaled = csr_array(diags_array(users**-0.5) @ matrix @ diags_array(items**-0.5))
    factors = min(_FACTORS + 1, min(matrix.shape) - 1)
    left, strength, right = svds(scaled, k=factors, random_state=0)
    # The first is the trivial one: what activity and popularity alone would give.
    order = np.argsort(-strength)[1:]
    scale = np.sqrt(matrix.sum())
    return (
        np.asarray(left[:, order] * (users**-0.5)[:, None] * strength[order] * scale),
        np.asarray(right.T[:, order] * (items**-0.5)[:, None] * scale),
    )
