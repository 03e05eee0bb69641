"""What the texts of a snapshot's documents show at a glance, read when a search first looks at a document."""

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from limner.memory.documents import document_texts
from limner.memory.sayings import read_saying
from limner.memory.snapshot_columns import Columns

__all__ = ("Sayings",)

_UNREAD = -2


@dataclass(eq=False)
class Sayings:
    """One `Saying` a document, as arrays; filled as it is asked for, by any thread.

    Args:
        names: Speakers by code.
        speakers: Code of each document's speaker, (n,); −1 for none.
        traits: Each document's traits, (n,).
    """

    names: list[str] = field(default_factory=list)
    speakers: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    traits: NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, dtype=np.int16))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def grown(self, n: int) -> "Sayings":
        """Return this with room for at least n documents; what is known of one, by whichever snapshot, holds for all."""
        with self._lock:
            more = n - len(self.speakers)
            if more > 0:
                unread = np.full(more + len(self.speakers) // 8, _UNREAD, dtype=np.int32)
                self.traits = np.concatenate((self.traits, np.zeros(len(unread), dtype=np.int16)))
                self.speakers = np.concatenate((self.speakers, unread))
        return self

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.speakers.nbytes + self.traits.nbytes

    def read(
        self, connection: Connection, user_id: str, columns: Columns, positions: NDArray[np.intp]
    ) -> None:
        """See to it that these documents are known.

        Args:
            connection: Sees the state that the snapshot is of.
            user_id: Whose.
            columns: The snapshot's.
            positions: Which documents.
        """
        unread = positions[self.speakers[positions] == _UNREAD]
        if not len(unread):
            return
        numbers = columns.numbers[unread].tolist()
        texts = document_texts(connection, user_id, numbers)
        with self._lock:
            codes = {name: code for code, name in enumerate(self.names)}
            for position, number in zip(unread.tolist(), numbers, strict=True):
                saying = read_saying(texts[number])
                self.traits[position] = saying.traits
                if saying.speaker is None:
                    self.speakers[position] = -1
                    continue
                if saying.speaker not in codes:
                    codes[saying.speaker] = len(self.names)
                    self.names.append(saying.speaker)
                self.speakers[position] = codes[saying.speaker]
