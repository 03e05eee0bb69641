"""Search by meaning: cosine similarity of an encoder's vectors."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from limner.evals.memories.ranked import RankedMemory, Scores, Scoring
from limner.evals.memories.vectors import CachedEncoder
from limner.inference.encoder import Encoder

__all__ = ["Dense", "DenseMemory"]


class Dense:
    """The vectors of some texts.

    Args:
        texts: What is searched.
        encoder: Gives rows of unit length, so that their inner product is the cosine.
    """

    def __init__(self, texts: Sequence[str], encoder: Encoder) -> None:
        self._encoder = encoder
        self._vectors = encoder.encode_documents(texts)

    def scores(self, query: str) -> Scores:
        """Return the cosine of every text with the query."""
        cosines: Scores = (self._vectors @ self._encoder.encode_query([query])[0]).astype(np.float64)
        return cosines


class DenseMemory(RankedMemory):
    """Ranks by cosine similarity of the turns' texts, each as it stands, cut where the encoder cuts.

    Args:
        encoder: What makes vectors.
        folder: Where vectors are kept between runs.
    """

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        super().__init__()
        self._encoder = CachedEncoder(encoder, folder)

    @property
    def version(self) -> str:
        """The encoder."""
        return f"dense {self._encoder.name} {self._encoder.version}"

    def index(self, texts: Sequence[str]) -> Scoring:
        """Return the cosines over these texts."""
        return Dense(texts, self._encoder).scores
