"""The vector index: derived from SQL, asked only for who has many vectors."""

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from limner.memory.vectors import Vectorizer

__all__ = ("VectorIndex",)


class VectorIndex:
    """Finds the nearest of many vectors."""

    def nearest(
        self,
        connection: Connection,
        user_id: str,
        encoder: Vectorizer,
        vector: NDArray[np.float32],
        n: int,
    ) -> list[int] | None:
        """Return the numbers of the `n` nearest documents, or none when all should be compared."""
        return None
