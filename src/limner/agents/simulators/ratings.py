"""Ratings as arrays: who rated which item of a catalogue how, each pair once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from limner.errors import InputError
from limner.tools import Catalogue, Interactions

__all__ = ["Floats", "Places", "Ratings"]

Floats = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Ratings:
    """Ratings of several users, by place: of the user in `users`, of the item in the catalogue."""

    users: tuple[str, ...]
    items: int
    """Size of the catalogue."""
    user: Places
    """Shape `(ratings,)`, like the next two; a user's in order of time."""
    item: Places
    value: Floats

    @classmethod
    def of(cls, interactions: Interactions, catalogue: Catalogue) -> "Ratings":
        """Take the interactions with items of the catalogue; of a pair that occurs twice the latest.

        Raises:
            InputError: All values are the same, or there are none: what people think of what they watch cannot be learnt from these.
        """
        known = interactions.only_items(catalogue.ids)
        frame = known.frame.sort("time", maintain_order=True).unique(
            ["user", "item"], keep="last", maintain_order=True
        )
        values = frame["value"].to_numpy().astype(np.float64)
        if len(np.unique(values)) < 2:
            raise InputError(
                "A population takes after ratings, and these interactions have no two different ones. Give it rated data."
            )
        places = {user: place for place, user in enumerate(known.users)}
        users = np.array([places[user] for user in frame["user"].to_list()], dtype=np.intp)
        return cls(known.users, len(catalogue), users, catalogue.positions(frame["item"].to_list()), values)

    def __len__(self) -> int:
        return len(self.value)

    def where(self, chosen: NDArray[np.bool_]) -> "Ratings":
        """Return some of the ratings; users keep their places."""
        return Ratings(self.users, self.items, self.user[chosen], self.item[chosen], self.value[chosen])

    def half(self, seed: int) -> NDArray[np.bool_]:
        """Return which ratings are in the one half of their user's, drawn at random; of an odd number the middle one is not."""
        rng = np.random.default_rng([seed, 71])
        drawn = np.zeros(len(self), dtype=np.bool_)
        for own in self._places:
            drawn[rng.permutation(own)[: len(own) // 2]] = True
        return drawn

    def earlier(self) -> NDArray[np.bool_]:
        """Return which ratings are in the earlier half of their user's; of an odd number the middle one is."""
        found = np.zeros(len(self), dtype=np.bool_)
        for own in self._places:
            found[own[: (len(own) + 1) // 2]] = True
        return found

    def of_user(self, place: int) -> tuple[Places, Floats]:
        """Return one user's items and ratings, in order of time."""
        own = self._places[place]
        return self.item[own], self.value[own]

    @cached_property
    def _places(self) -> list[Places]:
        order = np.argsort(self.user, kind="stable")
        return np.split(order, np.searchsorted(self.user[order], np.arange(1, len(self.users))))

    @cached_property
    def matrix(self) -> csr_array:
        """Who rated what, 1 or nothing, shape `(users, items)`."""
        return self._sparse(np.ones(len(self)))

    @cached_property
    def valued(self) -> csr_array:
        """The ratings, shape `(users, items)`; nothing where there is none."""
        return self._sparse(self.value)

    def _sparse(self, values: Floats) -> csr_array:
        return csr_array((values, (self.user, self.item)), shape=(len(self.users), self.items))

    def crowd(self, strength: float = 5.0) -> Floats:
        """Return each item's mean rating, shape `(items,)`, pulled to the mean of all by as many ratings as `strength` says."""
        counts = np.bincount(self.item, minlength=self.items)
        sums = np.bincount(self.item, self.value, minlength=self.items)
        return np.asarray((sums + strength * self.value.mean()) / (counts + strength))
