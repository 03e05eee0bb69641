"""Memories that rank a user's turns by a score; each says only how it scores."""

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from limner.evals.memories.histories import Histories, verbatim
from limner.evals.records import Passage, Turn
from limner.memory.ranking import order

__all__ = ["RankedMemory", "Scores", "Scoring"]

Scores = NDArray[np.float64]
"""One number a turn, the higher the better; minus infinity for a turn that is not found at all."""
Scoring = Callable[[str], Scores]
"""Scores every turn of one user for a query."""

_KEPT = 64
"""Users whose index is kept. Questions about one user follow each other, and an index of a long history takes
megabytes."""


class RankedMemory(ABC):
    """Gives the `k` turns with the highest score, best first; of equal ones the earlier comes first.

    A user's turns are indexed at the first search and again after more were added.
    """

    def __init__(self) -> None:
        self._histories = Histories()
        self._indexed: OrderedDict[str, tuple[list[Turn], Scoring]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    @abstractmethod
    def version(self) -> str:
        """What decides the ranking, for the results."""

    @abstractmethod
    def index(self, texts: Sequence[str]) -> Scoring:
        """Return what scores these texts, which are one user's turns in the order of time; there is at least one."""

    def add(self, user: str, messages: Sequence[Turn], timestamp: datetime | None) -> None:
        """Keep messages of one user."""
        self._histories.add(user, messages, timestamp)
        with self._lock:
            self._indexed.pop(user, None)

    def search(self, user: str, query: str, k: int) -> Sequence[Passage]:
        """Return at most `k` turns, best first, each with its score."""
        turns, scoring = self._index_of(user)
        if not turns or k <= 0:
            return []
        scores = scoring(query)
        found = [i for i in order(scores)[:k] if scores[i] > -np.inf]
        return [verbatim(turns[i], float(scores[i])) for i in found]

    def _index_of(self, user: str) -> tuple[list[Turn], Scoring]:
        with self._lock:
            if user in self._indexed:
                self._indexed.move_to_end(user)
                return self._indexed[user]
        # Outside the lock: encoding one long history must not hold up the other users.
        turns = self._histories.of(user)
        indexed = turns, self.index([turn.text for turn in turns]) if turns else _empty
        with self._lock:
            self._indexed[user] = indexed
            while len(self._indexed) > _KEPT:
                self._indexed.popitem(last=False)
        return indexed


def _empty(query: str) -> Scores:
    return np.zeros(0)
