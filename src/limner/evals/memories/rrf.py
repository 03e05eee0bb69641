"""Search by words and by meaning, joined by rank.

Reference: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
Methods" (SIGIR 2009).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from limner.evals.memories.bm25 import BM25
from limner.evals.memories.dense import Dense
from limner.evals.memories.ranked import RankedMemory, Scores, Scoring
from limner.evals.memories.vectors import CachedEncoder
from limner.inference.encoder import Encoder
from limner.memory.lexical import K1, B
from limner.memory.ranking import order

__all__ = ["CONSTANT", "ReciprocalRankFusion"]

CONSTANT = 60
"""What is added to a rank: how little the first ranks stand out (the paper's value)."""


class ReciprocalRankFusion(RankedMemory):
    """Ranks by `1 / (60 + rank by BM25) + 1 / (60 + rank by cosine)`, ranks from 1.

    A turn without any word of the query has no rank by BM25 and gets nothing for it.

    Args:
        encoder: What makes vectors.
        folder: Where vectors are kept between runs.
    """

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        super().__init__()
        self._encoder = CachedEncoder(encoder, folder)

    @property
    def version(self) -> str:
        """Constants and encoder."""
        return (
            f"rrf {CONSTANT}; bm25 k1={K1} b={B} english; dense {self._encoder.name} {self._encoder.version}"
        )

    def index(self, texts: Sequence[str]) -> Scoring:
        """Return the sum of reciprocal ranks over these texts."""
        bm25, dense = BM25(texts), Dense(texts, self._encoder)

        def scored(query: str) -> Scores:
            lexical = bm25.scores(query)
            return np.where(lexical > 0, _reciprocal_ranks(lexical), 0.0) + _reciprocal_ranks(
                dense.scores(query)
            )

        return scored


def _reciprocal_ranks(scores: Scores) -> Scores:
    reciprocal = np.empty(len(scores))
    reciprocal[order(scores)] = 1 / (CONSTANT + 1 + np.arange(len(scores)))
    return reciprocal
