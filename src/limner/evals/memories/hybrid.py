"""Search by words and by meaning, joined by score."""

from collections.abc import Sequence
from pathlib import Path

from limner.errors import ConfigurationError
from limner.evals.memories.bm25 import BM25
from limner.evals.memories.dense import Dense
from limner.evals.memories.ranked import RankedMemory, Scores, Scoring
from limner.evals.memories.vectors import CachedEncoder
from limner.inference.encoder import Encoder
from limner.memory.lexical import K1, B
from limner.memory.ranking import min_max

__all__ = ["HybridMemory"]


class HybridMemory(RankedMemory):
    """Ranks by a weighted sum of BM25 and cosine, each min-max scaled over all turns of the user.

    Args:
        encoder: What makes vectors.
        folder: Where vectors are kept between runs.
        lexical: Weight of BM25, 0 to 1; the cosine has the rest.

    Raises:
        ConfigurationError: The weight is not between 0 and 1.
    """

    def __init__(self, encoder: Encoder, folder: Path, lexical: float = 0.5) -> None:
        if not 0 <= lexical <= 1:
            raise ConfigurationError(f"memory hybrid: lexical={lexical} is not between 0 and 1.")
        super().__init__()
        self._encoder = CachedEncoder(encoder, folder)
        self._lexical = lexical

    @property
    def version(self) -> str:
        """Weights, constants and encoder."""
        return (
            f"hybrid {self._lexical} bm25 k1={K1} b={B} english + {1 - self._lexical} "
            f"dense {self._encoder.name} {self._encoder.version}"
        )

    def index(self, texts: Sequence[str]) -> Scoring:
        """Return the weighted sum over these texts."""
        bm25, dense = BM25(texts), Dense(texts, self._encoder)

        def scored(query: str) -> Scores:
            parts = min_max(bm25.scores(query)), min_max(dense.scores(query))
            total: Scores = self._lexical * parts[0] + (1 - self._lexical) * parts[1]
            return total

        return scored
