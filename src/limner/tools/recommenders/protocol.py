"""What a recommender is to the rest of limner."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from limner.tools.catalogue import Catalogue
from limner.tools.filters import Filter
from limner.tools.interactions import Interactions

__all__ = ["Contribution", "Grid", "Recommender", "Scored"]

Grid: TypeAlias = Mapping[str, Sequence[object]] | Sequence[Mapping[str, object]]
"""Settings to try: values of each setting, of which every combination is meant, or the combinations one by one."""


class Scored(NamedTuple):
    """An item and what a recommender gives for it; scores compare within one model and one query only."""

    item_id: str
    score: float


class Contribution(NamedTuple):
    """How much one item of the history added to another item's score."""

    item_id: str
    amount: float


@runtime_checkable
class Recommender(Protocol):
    """A conventional recommender: trained on interactions, asked with a history, for anybody.

    A history is a sequence of item ids, oldest first; of an item that occurs twice the later occurrence counts. Ids that the catalogue does not
    have are ignored (`unknown` names them). Nobody needs to have been in the training data. Nothing is random at query
    time, and two fits with the same data, settings and seed give the same scores.
    """

    name: str
    """Name of the model's kind, as registered."""
    seed: int

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue it was fitted on, outside of which it recommends nothing."""
        ...

    def fit(self, interactions: Interactions, catalogue: Catalogue) -> Self:
        """Train from nothing; interactions with items outside the catalogue are left out."""
        ...

    def score(self, history: Sequence[str], candidates: Sequence[str] | None = None) -> NDArray[np.float32]:
        """Return a finite score for each candidate, shape `(len(candidates),)`; without candidates for each catalogue item.

        What the history holds is scored like everything else. An empty history is scored by popularity.

        Raises:
            NotFound: The catalogue does not have a candidate.
        """
        ...

    def score_many(self, histories: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """Return the scores of each catalogue item for several histories, shape `(len(histories), len(catalogue))`.

        The same as `score` for each, up to rounding; a model that can do them together is faster so.
        """
        ...

    def recommend(
        self, history: Sequence[str], k: int, where: Filter | str | None = None, exclude: Iterable[str] = ()
    ) -> list[Scored]:
        """Return the `k` best items that satisfy `where` and are neither in the history nor excluded.

        Fewer where there are not so many. Equal scores come in catalogue order.

        Raises:
            InvalidFilter: `where` does not fit the catalogue.
            InputError: `k` is negative.
        """
        ...

    def explain(self, history: Sequence[str], item_id: str, n: int = 3) -> list[Contribution]:
        """Return at most `n` history items that added most to an item's score, largest first.

        Only those that added something; none at all from a model that cannot say.
        """
        ...

    def unknown(self, history: Iterable[str]) -> list[str]:
        """Return the ids of a history that are ignored."""
        ...

    def save(self, path: Path) -> None:
        """Write everything a query needs into a folder: arrays and JSON, nothing that runs when it is read."""
        ...

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        ...
