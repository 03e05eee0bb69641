"""The snapshots that are kept, least recently used going first; each user's is their own."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection

from limner.memory.database import Database
from limner.memory.snapshot import Snapshot, State, read_state

__all__ = ("SnapshotCache",)


@dataclass(slots=True, eq=False)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    snapshot: Snapshot | None = None
    nbytes: int = 0
    weighed: tuple[State, int] | None = None
    """The state and the parts that the bytes are of."""


class _Overtaken(Exception):
    """What is kept is newer than what a connection sees."""


class SnapshotCache:
    """Snapshots by user, for any thread.

    Args:
        database: The truth, whose counters say when a snapshot is out of date, whichever process wrote.
        limit: Most bytes in all; the one used last stays, whatever it takes.
    """

    def __init__(self, database: Database, limit: int) -> None:
        self.database = database
        self.limit = limit
        self._guard = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._drops = 0
        self._total = 0

    @property
    def most_vectors(self) -> int:
        """Bytes that the vectors of one user may take; who has more is compared by what the index proposes."""
        return self.limit // 2

    @contextmanager
    def opened(self, user_id: str) -> Iterator[tuple[Connection, Snapshot | None]]:
        """Yield a connection, and the user's snapshot at the state that it sees; none if there is no such user."""
        while True:
            drops = self._drops
            with self.database.read() as connection:
                try:
                    snapshot = self._current(connection, user_id, drops)
                except _Overtaken:  # another thread has read a later state meanwhile: look again
                    continue
                try:
                    yield connection, snapshot
                finally:
                    if snapshot is not None:
                        self._weigh(user_id, snapshot)
                return

    def last(self, user_id: str) -> Snapshot | None:
        """Return what was last kept of a user, current or not; nothing is read."""
        with self._guard:
            entry = self._entries.get(user_id)
            return None if entry is None else entry.snapshot

    def drop(self, user_id: str) -> None:
        """Forget what is kept of a user."""
        with self._guard:
            self._drops += 1
            if (entry := self._entries.pop(user_id, None)) is not None:
                self._total -= entry.nbytes

    def clear(self) -> None:
        """Forget everything."""
        with self._guard:
            self._drops += 1
            self._entries.clear()
            self._total = 0

    @property
    def nbytes(self) -> int:
        """Bytes that are kept."""
        with self._guard:
            return self._total

    def _current(self, connection: Connection, user_id: str, drops: int) -> Snapshot | None:
        state = read_state(connection, user_id)
        if state is None:
            if self.last(user_id) is not None:
                self.drop(user_id)  # forgotten altogether, by another process
            return None
        with self._guard:
            entry = self._entries.setdefault(user_id, _Entry())
            self._entries.move_to_end(user_id)
        kept = entry.snapshot
        if kept is not None and kept.state == state:
            return kept
        with entry.lock:
            kept = entry.snapshot
            if kept is not None and kept.state == state:
                return kept
            if kept is not None and kept.state.version > state.version:
                if kept.state.epoch != state.epoch:
                    self.drop(user_id)  # whichever of the two is gone, the next look reads the other
                raise _Overtaken
            current = self._read(connection, user_id, kept, state)
            with self._guard:
                # An erasure that was committed since this connection began must not be undone in memory.
                if self._drops == drops:
                    entry.snapshot = current
            return current

    def _read(self, connection: Connection, user_id: str, kept: Snapshot | None, state: State) -> Snapshot:
        later = None
        if kept is not None and kept.state.epoch == state.epoch:
            later = kept.followed(connection, state)
        return Snapshot.read(connection, user_id, state) if later is None else later

    def _weigh(self, user_id: str, snapshot: Snapshot) -> None:
        """Let go of what was not used for longest while all takes more than the limit."""
        with self._guard:
            entry = self._entries.get(user_id)
            weighed = (snapshot.state, snapshot.parts)
            if entry is None or entry.weighed == weighed:
                return
            nbytes = snapshot.nbytes
            self._total += nbytes - entry.nbytes
            entry.nbytes, entry.weighed = nbytes, weighed
            while self._total > self.limit and len(self._entries) > 1:
                self._total -= self._entries.popitem(last=False)[1].nbytes
