"""Browsing page by page: what a simulated user watches, how they rate it, and whether they look at another page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

import numpy as np

from limner.agents.simulators.population import Population, SimulatedUser
from limner.agents.simulators.ratings import Floats, Places
from limner.errors import InputError

__all__ = ["Browsing", "Manners", "Page", "Visit", "Watched"]

_LOGISTIC_AS_NORMAL = 1.702
"""A logistic chance of log-odds `x` is nearly a normal one of `x / 1.702` standard deviations (Camilli, JEBS 19, 1994)."""


@dataclass(frozen=True)
class Manners:
    """What no data set tells about browsing, set by hand."""

    page: int = 10
    """Items on a page."""
    most_pages: int = 5
    """Of a visit."""
    constancy: float = 0.5
    """How far a no stays a no when the same item is shown again, 0 to 1: the share of the chance in watching that is drawn once for user and item."""
    joy: float = 1.0
    """Log-odds of another page that a page as good as can be adds, and one without anything to watch takes."""
    variety: float = 2.0
    """Log-odds of watching that somebody who likes variety most loses for an item that is wholly like what they watched in this visit; who likes it
    least gains as much."""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            InputError: A value is out of its bounds.
        """
        if self.page < 1 or self.most_pages < 1:
            raise InputError(f"page={self.page} and most_pages={self.most_pages} must be at least 1.")
        if not 0 <= self.constancy <= 1:
            raise InputError(f"constancy is {self.constancy}; it is a share, from 0 to 1.")


@dataclass(frozen=True)
class Watched:
    """An item that was watched, and what it was rated."""

    item_id: str
    rating: float


@dataclass(frozen=True)
class Page:
    """A page as it was looked at."""

    shown: tuple[str, ...]
    watched: tuple[Watched, ...]
    satisfaction: float
    """-1 where nothing was watched, else how far the ratings are above the user's mean, in halves of the scale, at most 1."""


@dataclass(frozen=True)
class Visit:
    """The pages of one visit."""

    user: str
    pages: tuple[Page, ...]
    ended: Literal["left", "limit", "nothing more"]

    @property
    def shown(self) -> tuple[str, ...]:
        """Everything that was before the user's eyes."""
        return tuple(item_id for page in self.pages for item_id in page.shown)

    @property
    def watched(self) -> tuple[Watched, ...]:
        """Everything that they watched, in order."""
        return tuple(one for page in self.pages for one in page.watched)


class Browsing:
    """Lets users of a population browse; the same seed gives the same visits, whoever else browses and in whatever order.

    Args:
        population: The users.
        manners: How they browse.
        seed: Of everything that is left to chance.
    """

    def __init__(self, population: Population, manners: Manners = Manners(), *, seed: int = 0) -> None:
        self.population = population
        self.manners = manners
        self._seed = seed
        self._lasting: dict[str, tuple[Floats, Floats]] = {}

    def visit(self, user_id: str, listed: Sequence[str], number: int = 0) -> Visit:
        """Let a user browse a list.

        Args:
            user_id: Whose visit.
            listed: Ids of the recommended items, best first; cut into pages. Nothing that the user knows should be among them.
            number: Of the visit; chance is drawn anew for each.

        Raises:
            NotFound: The population has no such user, or the catalogue no such item.
        """
        user = self.population.user(user_id)
        places = np.array([self.population.catalogue.position(one) for one in listed], dtype=np.intp)
        rng = np.random.default_rng([self._seed, crc32(user_id.encode()), 1, number])
        fresh = rng.standard_normal(len(places))
        stay = rng.random(self.manners.most_pages)
        attributes = self.population.attribute_rows(places)
        seen: list[Page] = []
        watched = np.zeros(len(places), dtype=np.bool_)
        for start in range(0, len(places), self.manners.page):
            end = min(start + self.manners.page, len(places))
            alike = _likeness(attributes[start:end], attributes[:start][watched[:start]])
            watched[start:end] = self._watches(user, places[start:end], fresh[start:end], alike)
            seen.append(self._page(user, listed[start:end], places[start:end], watched[start:end]))
            if len(seen) == self.manners.most_pages:
                return Visit(user_id, tuple(seen), "limit")
            if stay[len(seen) - 1] >= self._next_page(user, len(seen), seen[-1].satisfaction):
                return Visit(user_id, tuple(seen), "left")
        return Visit(user_id, tuple(seen), "nothing more")

    def _watches(
        self, user: SimulatedUser, places: Places, fresh: Floats, alike: Floats
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        lasting, _ = self._draws(user.id)
        chance = math.sqrt(self.manners.constancy) * lasting[places]
        chance = chance + math.sqrt(1 - self.manners.constancy) * fresh
        drawn = user.appeal[places] - self.manners.variety * user.variety * alike
        return np.asarray(drawn / _LOGISTIC_AS_NORMAL + chance > 0)

    def _page(
        self,
        user: SimulatedUser,
        listed: Sequence[str],
        places: Places,
        watched: np.ndarray[tuple[int], np.dtype[np.bool_]],
    ) -> Page:
        chosen = np.flatnonzero(watched)
        ratings = self.ratings(user.id, places[chosen])
        known = self.population.calibration.levels
        half = (known[-1] - known[0]) / 2
        satisfaction = -1.0
        if len(chosen):
            satisfaction = float(np.clip((ratings.mean() - user.usual) / half, -1.0, 1.0))
        rated = zip(chosen.tolist(), ratings.tolist(), strict=True)
        taken = tuple(Watched(listed[place], rating) for place, rating in rated)
        return Page(tuple(listed), taken, satisfaction)

    def ratings(self, user_id: str, places: Places) -> Floats:
        """Return what a user rates items, by their places in the catalogue, once they have watched them."""
        user = self.population.user(user_id)
        _, chance = self._draws(user_id)
        return self.population.calibration.level(user.opinion[places] + user.noise * chance[places])

    def _next_page(self, user: SimulatedUser, pages: int, satisfaction: float) -> float:
        """Return the chance of another page: even after as many pages as the user's activity gives them patience for."""
        patience = user.activity * self.manners.most_pages
        return 1.0 / (1.0 + math.exp(-(patience - pages + self.manners.joy * satisfaction)))

    def _draws(self, user_id: str) -> tuple[Floats, Floats]:
        """Return what is drawn once for a user and each item: in watching it, and in rating it."""
        if user_id not in self._lasting:
            rng = np.random.default_rng([self._seed, crc32(user_id.encode()), 0])
            size = len(self.population.catalogue)
            self._lasting[user_id] = (rng.standard_normal(size), rng.standard_normal(size))
        return self._lasting[user_id]


def _likeness(page: Floats, watched: Floats) -> Floats:
    """Return how like each item of a page is to what was watched before, 0 to 1: the mean share of attribute values in common."""
    if not len(watched):
        return np.zeros(len(page))
    common = page @ watched.T
    either = page.sum(axis=1)[:, None] + watched.sum(axis=1)[None, :] - common
    return np.asarray((common / np.maximum(either, 1.0)).mean(axis=1))
