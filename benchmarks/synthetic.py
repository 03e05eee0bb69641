"""Texts and vectors made up for benchmarks of speed and size: words as frequent as Zipf has them, directions at random."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DIMENSION = 384
"""Of all-MiniLM-L6-v2, the default encoder."""
WORDS = 12
"""In each text."""
VOCABULARY = 20_000


def texts(n: int, seed: int, words: int = WORDS) -> list[str]:
    """Return `n` texts."""
    frequencies = 1 / np.arange(1, VOCABULARY + 1)
    drawn = np.searchsorted(
        np.cumsum(frequencies / frequencies.sum()), np.random.default_rng(seed).random((n, words))
    )
    names = np.array([f"w{rank}" for rank in range(VOCABULARY + 1)])
    return [" ".join(row) for row in names[drawn]]


def directions(n: int, seed: int) -> NDArray[np.float32]:
    """Return `n` unit vectors, (n, DIMENSION)."""
    rows = np.random.default_rng(seed).standard_normal((n, DIMENSION), dtype=np.float32)
    scaled: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


class SyntheticEncoder:
    """Gives each text a direction of its own, at once: what encoding costs is left out of what is measured."""

    name = "synthetic"
    version = "1"
    dimension = DIMENSION

    def encode_query(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of unit length per text."""
        return self.encode_documents(texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of unit length per text."""
        rows = [directions(1, int.from_bytes(hashlib.sha256(t.encode()).digest()[:8])) for t in texts]
        return np.concatenate(rows) if rows else np.zeros((0, DIMENSION), dtype=np.float32)
