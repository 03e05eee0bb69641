"""The vector index of a process that has none, because another host keeps it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ("Elsewhere",)


class Elsewhere:
    """Never available: nothing is indexed or erased here, and the notes for the index wait for who has it.

    A second index, in a folder of this host, would take notes that the first one needs, and what is erased on the other
    host would stay in it.
    """

    remnants: str | None = None

    def available(self) -> bool:
        """Return that this process may not use the index."""
        return False

    def count(self, user_id: str, key: str) -> int:
        """Return 0: there is no collection."""
        return 0

    def upsert(self, user_id: str, key: str, numbers: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Do nothing; who has the index has a note to do it."""

    def query(self, user_id: str, key: str, vector: NDArray[np.float32], n: int) -> list[int]:
        """Return nothing: there is no collection."""
        return []

    def drop(self, user_id: str, key: str) -> None:
        """Do nothing; there is no collection."""

    def erase(self, user_id: str) -> bool:
        """Return that the user's collections, if there are any, are left for who has the index."""
        return False

    def erase_digest(self, digest: str) -> bool:
        """Return that the user's collections, if there are any, are left for who has the index."""
        return False

    def close(self) -> None:
        """Do nothing; nothing is open."""
