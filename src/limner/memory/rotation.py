"""Turning a user's vectors by a secret rotation before they leave the database.

A rotation changes no cosine, so that an index finds the same neighbours; but without its seed nobody can compare what
lies in the index with the vector of a text. An erasure throws the seed away, and with it the meaning of every copy that
an index, or its server, has kept.
"""

import hashlib
import secrets
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ("new_seed", "rotated", "rotation_name")

_KEPT = 16
"""Rotations held in memory, of 600 kB each for 384 dimensions."""


def new_seed() -> str:
    """Return a seed that nobody can guess."""
    return secrets.token_hex(32)


def rotation_name(seed: str) -> str:
    """Return a short name of a rotation, which does not give it away."""
    return hashlib.sha256(f"name {seed}".encode()).hexdigest()[:12]


def rotated(rows: NDArray[np.float32], seed: str | None) -> NDArray[np.float32]:
    """Return vectors, (n, dimension) or (dimension,), turned by the rotation of a seed; none leaves them as they are."""
    if seed is None or not rows.size:
        return rows
    turned: NDArray[np.float32] = rows @ _rotation(seed, rows.shape[-1])
    return turned


@lru_cache(maxsize=_KEPT)
def _rotation(seed: str, dimension: int) -> NDArray[np.float32]:
    """Return an orthogonal matrix drawn evenly (Stewart 1980): the Q of a Gaussian matrix, its signs made unique."""
    # From a hash, because the numbers that a version of numpy draws are not promised to be those of the next.
    drawn = hashlib.shake_256(seed.encode()).digest(8 * dimension * dimension)
    integers = np.frombuffer(drawn, dtype="<u4").astype(np.float64)
    uniform = ((integers + 0.5) / 2.0**32).reshape(2, dimension, dimension)
    gaussian = np.sqrt(-2.0 * np.log(uniform[0])) * np.cos(2.0 * np.pi * uniform[1])
    q, r = np.linalg.qr(gaussian)
    return np.asarray(q * np.sign(np.diagonal(r)), dtype=np.float32)
