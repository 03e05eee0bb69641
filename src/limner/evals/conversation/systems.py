"""What a system is that is talked to, and systems that only list: popularity, search by words, a recommender without conversation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from anyio import to_thread

from limner.agents.simulators.seeker import Heard
from limner.evals.conversation.cases import Case
from limner.evals.memories.bm25 import BM25
from limner.profiles.propositions.findings import attribute_keys
from limner.tools import Catalogue, Dataset, Item, Recommender

__all__ = ["BaseList", "Popular", "Replied", "System", "Talk", "WordSearch"]


@dataclass(frozen=True)
class Replied(Heard):
    """What the seeker hears, and what of it is for whoever reads the transcript."""

    understood: tuple[str, ...] = ()
    """What the turn was taken for."""


class Talk(Protocol):
    """One conversation, from the system's side."""

    async def say(self, text: str) -> Replied:
        """Return the reply to a turn.

        Raises:
            LimnerError: There is none.
        """
        ...

    async def close(self) -> None:
        """End it."""
        ...


class System(Protocol):
    """Has conversations, each with somebody whom it knows as far as the case says and no further."""

    @property
    def name(self) -> str:
        """As it stands in the table."""
        ...

    async def begin(self, case: Case) -> Talk:
        """Return a new conversation."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class _Listing:
    """A conversation in which each turn shows the next items of a list that was not shown yet."""

    def __init__(self, catalogue: Catalogue, show: int, known: Sequence[str]) -> None:
        self._catalogue = catalogue
        self._show = show
        self._gone = set(known)

    def _next(self, order: Sequence[str]) -> Replied:
        chosen = [item_id for item_id in order if item_id not in self._gone][: self._show]
        self._gone.update(chosen)
        items = tuple(self._catalogue.get(item_id) for item_id in chosen)
        return Replied("\n".join(item.title for item in items), items)

    async def close(self) -> None:
        """Nothing is held."""


class _Fixed(_Listing):
    """Shows a list that does not hang on what is said."""

    def __init__(self, catalogue: Catalogue, show: int, known: Sequence[str], order: Sequence[str]) -> None:
        super().__init__(catalogue, show, known)
        self._order = order

    async def say(self, text: str) -> Replied:
        return self._next(self._order)


class Popular:
    """Shows what was taken most in training."""

    name = "popularity"

    def __init__(self, dataset: Dataset, show: int) -> None:
        self._catalogue = dataset.catalogue
        self._show = show
        self._order = _by_popularity(dataset)

    async def begin(self, case: Case) -> Talk:
        """Return a new conversation."""
        return _Fixed(self._catalogue, self._show, case.history, self._order)

    async def close(self) -> None:
        """Nothing is held."""


class BaseList:
    """Shows the list of a fitted recommender for the history that is known, whatever is said."""

    name = "base"

    def __init__(self, recommender: Recommender, show: int) -> None:
        self._recommender = recommender
        self._show = show

    async def begin(self, case: Case) -> Talk:
        """Return a new conversation."""
        catalogue = self._recommender.catalogue
        listed = await to_thread.run_sync(self._recommender.recommend, case.history, len(catalogue))
        return _Fixed(catalogue, self._show, case.history, [scored.item_id for scored in listed])

    async def close(self) -> None:
        """Nothing is held."""


class WordSearch:
    """Shows what BM25 finds for everything that was said so far, in title, attribute values and description.

    Of equal items, such as those that no word finds, the more popular one comes first.
    """

    name = "bm25"

    def __init__(self, dataset: Dataset, show: int) -> None:
        self._catalogue = dataset.catalogue
        self._show = show
        self._ids = _by_popularity(dataset)
        self._index = BM25([_words(self._catalogue.get(item_id)) for item_id in self._ids])

    async def begin(self, case: Case) -> Talk:
        """Return a new conversation."""
        return _Search(self, case.history)

    async def close(self) -> None:
        """Nothing is held."""

    def found(self, said: str) -> list[str]:
        """Return all items, best first."""
        return [self._ids[place] for place in np.argsort(-self._index.scores(said), kind="stable")]


class _Search(_Listing):
    def __init__(self, system: WordSearch, known: Sequence[str]) -> None:
        super().__init__(system._catalogue, system._show, known)
        self._system = system
        self._said: list[str] = []

    async def say(self, text: str) -> Replied:
        self._said.append(text)
        return self._next(await to_thread.run_sync(self._system.found, " ".join(self._said)))


def _by_popularity(dataset: Dataset) -> list[str]:
    """Return all items, what most people took first; of equal ones the first in the catalogue."""
    pairs = dataset.interactions.frame.unique(["user", "item"])
    counts = dict(pairs["item"].value_counts().iter_rows())
    return sorted(dataset.catalogue.ids, key=lambda item_id: -counts.get(item_id, 0))


def _words(item: Item) -> str:
    values = " ".join(value for _, value in attribute_keys(item.attributes))
    return f"{item.title} {values} {item.description}"
