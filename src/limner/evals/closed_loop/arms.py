"""What is compared in a closed loop: recommenders by name, with or without room made for what was passed over, fitted again or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError, NotFound
from limner.tools import Catalogue, Interactions
from limner.tools.names import nearest
from limner.tools.recommenders import available, recommender, recommender_class
from limner.tools.recommenders.base import BaseRecommender, Positions, Scores
from limner.tools.recommenders.protocol import Recommender

__all__ = ["Arm", "RandomOrder", "arms_of", "default_arms"]

_RANDOM = "random"
_ROOM, _FROZEN = "+room", "+frozen"


class RandomOrder(BaseRecommender):
    """Ranks items at random: another order for each history, the same each time it is asked for."""

    name = _RANDOM

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        """Nothing is learnt."""

    def _score(self, history: Positions) -> Scores:
        rng = np.random.default_rng([self.seed, *history.tolist()])
        return rng.random(len(self._popularity), dtype=np.float32)

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        return {}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Nothing beyond what the base restores."""


@dataclass(frozen=True)
class Arm:
    """One way to recommend."""

    recommender: str
    room: bool = False
    """Whether what was shown and not watched makes room, by the votes of `limner.agents.history.feedback_votes`."""
    frozen: bool = False
    """Whether it is fitted once, before the first round, and only asked with longer histories then."""

    @property
    def name(self) -> str:
        """As it is asked for: `ease`, `ease+room`."""
        return self.recommender + (_ROOM if self.room else "") + (_FROZEN if self.frozen else "")

    @property
    def plain(self) -> str:
        """Name of the arm without room and fitted again each round."""
        return self.recommender

    def kind(self) -> type[Recommender]:
        """Return the recommender's class.

        Raises:
            ImportError: It needs an extra that is not installed.
            InputError: What is registered is no recommender.
        """
        return RandomOrder if self.recommender == _RANDOM else recommender_class(self.recommender)

    def built(self, seed: int) -> Recommender:
        """Return the recommender, ready to be fitted.

        Raises:
            ImportError: It needs an extra that is not installed.
            InputError: What is registered is no recommender.
        """
        if self.recommender == _RANDOM:
            return RandomOrder(seed=seed)
        return recommender(self.recommender, seed=seed)


def arms_of(names: Sequence[str]) -> tuple[Arm, ...]:
    """Return arms by name, each once.

    Args:
        names: Of recommenders, or `random`; `+room` or `+frozen` or both may stand behind.

    Raises:
        NotFound: There is no such recommender; the message offers the nearest.
        InputError: None is named, or something else stands behind a `+`.
    """
    found = []
    known = (*available(), _RANDOM)
    for name in names:
        plain, *marks = name.split("+")
        if plain not in known:
            offered = ", ".join(nearest(plain, known) or known)
            raise NotFound(f"There is no recommender called {plain!r}; there are: {offered}.")
        if not {f"+{mark}" for mark in marks} <= {_ROOM, _FROZEN}:
            raise InputError(
                f"{name!r}: behind the name of a recommender there may be {_ROOM} and {_FROZEN}."
            )
        found.append(Arm(plain, _ROOM in name, _FROZEN in name))
    if not found:
        raise InputError("Name at least one recommender.")
    return tuple(dict.fromkeys(found))


def default_arms(base: str) -> tuple[Arm, ...]:
    """Return what is compared if nothing is named: the base first, then with room and frozen, then others."""
    return arms_of((base, base + _ROOM, base + _FROZEN, "ease", "als", "popularity", _RANDOM))
