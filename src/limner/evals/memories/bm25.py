"""Search by words: BM25 over one user's turns; see `limner.memory.bm25`."""

from collections.abc import Sequence

import numpy as np

from limner.evals.memories.ranked import RankedMemory, Scores, Scoring
from limner.memory.bm25 import BM25
from limner.memory.lexical import K1, B

__all__ = ["BM25", "BM25Memory"]


class BM25Memory(RankedMemory):
    """Ranks by BM25; a turn without any word of the query is not found.

    Args:
        language: A Snowball algorithm's name, for stemming.
    """

    def __init__(self, language: str = "english") -> None:
        super().__init__()
        self._language = language

    @property
    def version(self) -> str:
        """Constants and language."""
        return f"bm25 k1={K1} b={B} {self._language}"

    def index(self, texts: Sequence[str]) -> Scoring:
        """Return the BM25 scores over these texts."""
        bm25 = BM25(texts, self._language)

        def scored(query: str) -> Scores:
            scores = bm25.scores(query)
            return np.where(scores > 0, scores, -np.inf)

        return scored
