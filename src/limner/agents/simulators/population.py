"""A population that browses recommendations, made from a data set (Agent4Rec, Zhang et al. 2024; RecAgent, Wang et al. 2023).

Each user takes after one real user: what draws them and what they would rate is estimated from that person's ratings, and so are the
habits of the paper: activity, conformity, diversity. No language model takes part. What is true of these users is what the models of `Tastes`
say; a conclusion about real people goes as far as those do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit

from limner.agents.simulators.calibration import Calibration, calibrate, opinion_shares
from limner.agents.simulators.habits import Habits, habits_of
from limner.agents.simulators.ratings import Floats, Places, Ratings
from limner.agents.simulators.tastes import Tastes, attribute_matrix
from limner.errors import NotFound
from limner.tools import Catalogue, Interactions

__all__ = ["Population", "SimulatedUser"]

_DENSE = 10_000_000
"""Most numbers that are held as a plain array, from which rows are taken much faster: 80 MB."""


@dataclass(frozen=True)
class SimulatedUser:
    """One user of a population; arrays are in catalogue order."""

    id: str
    habits: Habits
    interest: Floats
    """Log-odds that they take each item where half of what they are asked about is taken by people like them."""
    appeal: Floats
    """The same moved to how often they watch: log-odds that they would watch each item when it is before their eyes. Shown the whole catalogue once, they would watch as many items as the real user rated."""
    opinion: Floats
    """What they would rate each item, before chance and rounding."""
    noise: float
    """Standard deviation of that chance."""
    usual: float
    """Their mean rating."""
    activity: float
    """Share of the population that is less active, 0 to 1."""
    variety: float
    """The same for variety, but from -1 to 1."""


class Population:
    """Simulated users that take after those of a data set.

    Args:
        catalogue: What can be shown to them.
        ratings: Whom they take after.
        calibration: What is the same for everybody.
        seed: Of the models' first values.
    """

    def __init__(
        self, catalogue: Catalogue, ratings: Ratings, calibration: Calibration, *, seed: int = 0
    ) -> None:
        self.catalogue = catalogue
        self.ratings = ratings
        self.calibration = calibration
        self.attributes = attribute_matrix(catalogue)
        self._tastes = Tastes(catalogue, ratings, seed)
        self._made: dict[str, SimulatedUser] = {}

    @classmethod
    def of(cls, interactions: Interactions, catalogue: Catalogue, *, seed: int = 0) -> "Population":
        """Make a population from a data set, which is also what it is calibrated on.

        Raises:
            InputError: The interactions have no ratings, or too few.
        """
        ratings = Ratings.of(interactions, catalogue)
        return cls(catalogue, ratings, calibrate(catalogue, ratings, seed=seed), seed=seed)

    @property
    def users(self) -> tuple[str, ...]:
        """Ids, which are those of the data set."""
        return self.ratings.users

    def drawn(self, n: int | None, seed: int) -> tuple[str, ...]:
        """Return so many users drawn at random, or all, in the order of the data set."""
        if n is None or n >= len(self.users):
            return self.users
        chosen = np.random.default_rng([seed, 75]).choice(len(self.users), size=n, replace=False)
        return tuple(self.users[place] for place in sorted(chosen.tolist()))

    def user(self, user_id: str) -> SimulatedUser:
        """Return a user.

        Raises:
            NotFound: Nobody of that id rated anything.
        """
        if user_id not in self._made:
            self._made[user_id] = self._make(user_id)
        return self._made[user_id]

    def attribute_rows(self, places: Places) -> Floats:
        """Return which attribute values some items have, shape `(len(places), values)`."""
        if self._dense is not None:
            return self._dense[places]
        rows: Floats = self.attributes[places].toarray()
        return rows

    @cached_property
    def _dense(self) -> Floats | None:
        rows, columns = self.attributes.shape
        return self.attributes.toarray() if rows * columns <= _DENSE else None

    def _make(self, user_id: str) -> SimulatedUser:
        place = self._places.get(user_id)
        if place is None:
            raise NotFound(f"The population has no user {user_id!r}.")
        items, values = self.ratings.of_user(place)
        share = float(self._shares[place])
        own = self._tastes.opinions.of(place)
        interest = self.calibration.appeal(self._tastes.features(place))
        return SimulatedUser(
            id=user_id,
            habits=self.habits[place],
            interest=interest,
            appeal=_as_often(interest, len(items)),
            opinion=self._crowd + share * (own - self._crowd),
            noise=share * self.calibration.noise,
            usual=float(values.mean()) if len(values) else self._tastes.opinions.mean,
            activity=float(self._activity[place]),
            variety=float(2 * self._variety[place] - 1),
        )

    @cached_property
    def habits(self) -> tuple[Habits, ...]:
        """Of each of `users`."""
        return tuple(
            habits_of(*self.ratings.of_user(place), self._crowd, self.attributes)
            for place in range(len(self.users))
        )

    @cached_property
    def _crowd(self) -> Floats:
        return self.ratings.crowd()

    @cached_property
    def _places(self) -> dict[str, int]:
        return {user: place for place, user in enumerate(self.users)}

    @cached_property
    def _shares(self) -> Floats:
        return opinion_shares(self._tastes, self.calibration.noise)

    @cached_property
    def _activity(self) -> Floats:
        return _standing([one.activity for one in self.habits])

    @cached_property
    def _variety(self) -> Floats:
        return _standing([one.variety for one in self.habits])


def _standing(values: Sequence[float]) -> Floats:
    """Return the share of the others that is below each, ties counting half."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, side="left")
    above = np.searchsorted(ordered, values, side="right")
    return np.asarray((below + above - 1) / 2 / max(len(ordered) - 1, 1))


def _as_often(appeal: Floats, n: int) -> Floats:
    """Return the log-odds moved as a whole, so that the expected number of items taken is `n`."""
    wanted = min(max(float(n), 0.5), len(appeal) - 0.5)
    low, high = -appeal.max() - 20.0, -appeal.min() + 20.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(appeal + middle).sum() < wanted else (low, middle)
    return np.asarray(appeal + (low + high) / 2)
