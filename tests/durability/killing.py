"""Kill a working process again and again, at a named point or at any moment, and check the store after each time.

The process is a real one (forked from a server that has the imports behind it) on a real folder, with SQLite and
Chroma. It says on a pipe what it is about to do and what has returned; what it says is not lost when it dies, so the
parent knows what had been acknowledged.
"""

import random
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from sqlalchemy import text

from durability.indexes import check_index
from durability.processes import fork_server, warm_up
from durability.working import POINTS, USERS, PointedEncoder, work
from durability.workload import MARK, concluded, open_limner
from limner.api import Limner, User

__all__ = ("ANY_MOMENT", "POINTS", "Kills")

ANY_MOMENT = "any moment"
PATIENCE_S = 20.0
"""Seconds until a process is killed that has not come to its point."""

_MARK_BYTES = re.compile(MARK.pattern.encode())
_context = fork_server("durability.working")


@dataclass
class _Said:
    """What is known of one observation from what the processes said."""

    user_id: str
    text: str
    id: str | None = None
    """Its id, once acknowledged."""
    forgetting: bool = False
    forgotten: bool = False


@dataclass
class Kills:
    """One store, and what was said of it.

    Args:
        home: Its folder.
        seed: Decides everything but the moments in which the operating system runs a process.
        places: Settings that say where database and index are, if not in the folder.
    """

    home: Path
    seed: int
    places: dict[str, Any] = field(default_factory=dict)
    said: dict[str, _Said] = field(default_factory=dict)
    together: list[list[str]] = field(default_factory=list)
    """Marks that were handed in at once and not acknowledged."""
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Counts by point and what is counted."""

    def kill(self, number: int, point: str) -> None:
        """Let a process work, kill it at a point, and check the store."""
        draw = random.Random(f"{self.seed} {number}")
        passage = draw.randint(1, POINTS[point]) if point != ANY_MOMENT else 0
        delay = draw.uniform(0.0, 1.5) if point == ANY_MOMENT else PATIENCE_S
        warm_up()
        receiving, sending = _context.Pipe(duplex=False)
        arguments = (self.home, self.places, draw.getrandbits(64), len(self.said), point, passage, sending)
        process = _context.Process(target=work, args=arguments)
        process.start()
        sending.close()
        began: float | None = None
        reached = point == ANY_MOMENT
        while began is None or time.monotonic() < began + delay:
            left = PATIENCE_S if began is None else max(0.0, began + delay - time.monotonic())
            try:
                if receiving.poll(left):
                    self._heard(receiving.recv())
                    began = began or time.monotonic()
            except EOFError:
                reached = True
                break
        process.kill()
        with receiving:
            try:
                while True:
                    self._heard(receiving.recv())
            except EOFError:
                pass
        process.join()
        assert process.exitcode == -signal.SIGKILL, f"the process ended by itself: {process.exitcode}"
        self.tally[point, "kills"] += 1
        self.tally[point, "not reached"] += not reached
        self.check(point)

    def _heard(self, message: tuple[Any, ...]) -> None:
        match message:
            case ("observing", user_id, texts):
                self.said |= {mark: _Said(user_id, text) for mark, text in texts.items()}
                self.together.append(list(texts))
            case ("observed", ids):
                for mark, id in ids.items():
                    self.said[mark].id = id
            case ("forgetting", mark):
                self.said[mark].forgetting = True
            case ("forgot", mark):
                self.said[mark].forgotten = True

    def check(self, point: str) -> None:
        """Open the store as the next process would, and compare it with what was said."""
        limner = open_limner(self.home, encoder=PointedEncoder(), **self.places)
        try:
            self._check_database(limner)
            for user_id in USERS:
                self._check_observations(limner.user(user_id), point)
                self._check_applied(limner, user_id)
            self._check_forgotten()
            limner.memory.drain_index()
            assert limner.status().outbox == 0
            for user_id in USERS:
                check_index(limner.memory, user_id)
            self._check_forgotten()
        finally:
            limner.close()

    def _check_database(self, limner: Limner) -> None:
        if not limner.memory.database.is_sqlite:
            return
        with limner.memory.database.read() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []

    def _check_observations(self, user: User, point: str) -> None:
        """Everything acknowledged is there once; what was not is there or not, and whole."""
        held = user.memory.observations()
        keys = [o.key for o in held]
        assert len(keys) == len(set(keys))
        by_key = {o.key: o for o in held}
        for mark, known in self.said.items():
            if known.user_id != user.user_id:
                assert mark not in by_key
                continue
            there = by_key.get(mark)
            if there is None:
                assert known.forgetting or known.id is None, f"{mark} was acknowledged and is lost"
                if known.forgetting and not known.forgotten:
                    self.tally[point, "erasures that had happened"] += 1
                known.forgotten = known.forgetting
                continue
            assert not known.forgotten, f"{mark} was forgotten and is there"
            assert there.text == known.text
            assert known.id in (None, there.id)
            if known.id is None:
                self.tally[point, "stored, not acknowledged"] += 1
            if known.forgetting:
                self.tally[point, "erasures that had not"] += 1
            known.id, known.forgetting = there.id, False
            self.tally[point, "observations checked"] += 1
        for marks in self.together:
            assert (
                len({
                    mark in by_key
                    for mark in marks
                    if self.said[mark].user_id == user.user_id and not self.said[mark].forgotten
                })
                <= 1
            )
        # From here on, what was not acknowledged and is not there will never be.
        for mark in [m for m, k in self.said.items() if k.id is None and k.user_id == user.user_id]:
            self.said[mark].forgotten = self.said[mark].forgetting = True
        self.together = [marks for marks in self.together if self.said[marks[0]].user_id != user.user_id]

    def _check_applied(self, limner: Limner, user_id: str) -> None:
        """No observation has been concluded from twice, and its state says what happened to it."""
        user = limner.user(user_id)
        with limner.memory.database.read() as connection:
            mine = {"user": user_id}
            rows = connection.execute(
                text("SELECT id, state, claim_id FROM observations WHERE user_id = :user"), mine
            )
            state = {row.id: row for row in rows}
            applied = Counter(
                connection.execute(
                    text("SELECT observation_id FROM batch_members WHERE user_id = :user"), mine
                ).scalars()
            )
            versions = connection.execute(
                text("SELECT id, text, batch_id, retired_at FROM propositions WHERE user_id = :user"), mine
            ).all()
        concludes = Counter(MARK.search(row.text)[0] for row in versions)
        for mark, known in self.said.items():
            if known.user_id != user_id or known.forgotten:
                assert mark not in concludes or (known.user_id == user_id and not known.forgotten), mark
                continue
            row = state[known.id]
            assert (row.state == "claimed") == (row.claim_id is not None)
            assert row.state in ("pending", "claimed", "done"), row.state
            if row.state == "done":
                assert applied[known.id] >= 1
            # Only an erasure lets a conclusion be drawn again, and it takes the first one away.
            assert concludes[mark] <= 1, f"{mark} was concluded from {concludes[mark]} times"
            if "Bought" in known.text:
                assert concludes[mark] == (row.state == "done"), f"{mark} is {row.state}"
        held = user.propositions()
        texts = {known.id: known.text for known in self.said.values()}
        for proposition in held:
            assert proposition.evidence
            assert all(texts[e.observation_id][e.start : e.end] == e.quote for e in proposition.evidence)

    def _check_forgotten(self) -> None:
        """No byte of what is forgotten is left in any file."""
        gone = {mark.encode() for mark, known in self.said.items() if known.forgotten}
        for path in self.home.rglob("*"):
            if path.is_file():
                left = gone & set(_MARK_BYTES.findall(_content(path).lower()))
                assert not left, f"{path.relative_to(self.home)} has {left}"

    def finish(self) -> None:
        """Let a later reflection work off everything that waits, and check once more."""
        limner = open_limner(self.home, encoder=PointedEncoder(), **self.places)
        for user_id in USERS:
            user = limner.user(user_id)
            done = user.reflect()
            assert (done.pending, done.parked, done.failed) == (0, 0, [])
            for proposition in user.propositions():
                (mark,) = MARK.findall(proposition.text)
                assert proposition.text == concluded(self.said[mark].text)
        limner.close()
        self.check("the end")

    def table(self) -> str:
        """Return the counts, a line for each point."""
        columns = list(dict.fromkeys(column for _, column in self.tally))
        points = list(dict.fromkeys(point for point, _ in self.tally))
        width = max(map(len, points))
        lines = [" " * width + "".join(f"  {column}" for column in columns)]
        for point in points:
            counts = "".join(f"  {self.tally[point, column]:>{len(column)}}" for column in columns)
            lines.append(f"{point:<{width}}{counts}")
        return "\n".join(lines)


def _content(path: Path) -> bytes:
    """Return the name of a file and what is in it, unpacked where it is an archive."""
    parts = [path.name.encode(), path.read_bytes()]
    if path.suffix == ".eval":
        try:
            with ZipFile(path) as archive:
                parts += [archive.read(name) for name in archive.namelist()]
        except BadZipFile:  # whoever wrote it was killed on the way
            pass
    return b"\n".join(parts)
