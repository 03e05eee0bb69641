"""An encoder without a model."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
import Stemmer
from numpy.typing import NDArray

__all__ = ["HashEncoder"]

_WORD = re.compile(r"\w+")


class HashEncoder:
    """Bag of hashed word stems: texts that share words are near, in every process alike.

    Each stem stands for a fixed pseudo-random direction, so that two texts without a common stem are nearly
    orthogonal. A text without a word gets a direction of its own.

    Args:
        dimension: Length of a vector.
    """

    name = "hash"

    def __init__(self, dimension: int = 256) -> None:
        self.dimension = dimension
        self.version = f"1-{dimension}"
        self.encoded: list[str] = []
        """Every text that was encoded, in order."""

    def encode_query(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape `(len(texts), dimension)`, rows of unit length."""
        return self._encode(texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape `(len(texts), dimension)`, rows of unit length."""
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded.extend(texts)
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        stemmer = Stemmer.Stemmer("english")  # not thread-safe, and cheap
        for row, text in enumerate(texts):
            words = _WORD.findall(text.casefold())
            for stem in stemmer.stemWords(words) or [f"no word: {text}"]:
                vectors[row] += self._direction(stem)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if len(texts) else vectors

    def _direction(self, stem: str) -> NDArray[np.float32]:
        seed = int.from_bytes(hashlib.sha256(stem.encode("utf-8", "replace")).digest()[:8])
        return np.random.default_rng(seed).standard_normal(self.dimension, dtype=np.float32)
