"""What a process does until it is killed: everything that a user can do, with fuses at named points of the product."""

import json
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from sqlalchemy import event

from durability.workload import open_limner, said
from limner.api import Limner, User
from limner.memory import chroma, erasure, logs
from limner.testing import HashEncoder

__all__ = ("POINTS", "USERS", "PointedEncoder", "work")

POINTS = {
    "statement": 60,
    "before commit": 12,
    "after commit": 12,
    "encoding": 4,
    "the model is asked": 40,
    "claimed": 3,
    "proposed": 3,
    "related": 3,
    "stored": 3,
    "vectors go to the index": 3,
    "vectors are in the index": 3,
    "between two parts of the vectors": 4,
    "before the logs are searched": 2,
    "a log is removed": 1,
    "after the logs are searched": 2,
    "before the log is emptied": 2,
    "after the log is emptied": 2,
    "before the index is erased": 2,
    "a file of the index is removed": 8,
    "after the index is erased": 2,
}
"""Where a process is killed, and at which passage at the latest."""

USERS = ("ada", "bob")


class _Fuse:
    """Kills this process when it passes a point for the nth time."""

    def __init__(self, point: str, passage: int) -> None:
        self._point = point
        self._left = passage

    def __call__(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class PointedEncoder(HashEncoder):
    """Passes a point each time it encodes documents."""

    def __init__(self, pass_by: Callable[[str], None] = lambda point: None) -> None:
        super().__init__(dimension=32)
        self._pass_by = pass_by

    def encode_documents(self, texts: Any) -> Any:
        self._pass_by("encoding")
        return super().encode_documents(texts)


def _around(owner: Any, name: str, before: Callable[[], None], after: Callable[[], None]) -> None:
    """Let a function be passed by on the way in and out."""
    original = getattr(owner, name)

    def passed(*args: Any, **kwargs: Any) -> Any:
        before()
        result = original(*args, **kwargs)
        after()
        return result

    setattr(owner, name, passed)


def _lay(fuse: _Fuse) -> None:
    """Let every point that lies in the product's own functions be passed by, in this process."""
    from chromadb.api.models.Collection import Collection
    from sqlalchemy import Engine

    from limner.memory.database import Database

    def point(name: str) -> Callable[[], None]:
        return lambda: fuse(name)

    def nothing() -> None:
        pass

    write = Database.write

    @contextmanager
    def passed(self: Database) -> Iterator[Any]:
        with write(self) as connection:
            yield connection
            fuse("before commit")
        fuse("after commit")

    Database.write = passed  # type: ignore[method-assign]
    event.listen(Engine, "before_cursor_execute", lambda *_: fuse("statement"))
    chroma.UPSERT = 3
    _around(chroma, "_upsert", point("vectors go to the index"), point("vectors are in the index"))
    _around(Collection, "upsert", nothing, point("between two parts of the vectors"))
    _around(Database, "scrub", point("before the log is emptied"), point("after the log is emptied"))
    for home in (chroma.ChromaFolders, chroma.ChromaServer):
        _around(home, "erase", point("before the index is erased"), point("after the index is erased"))
    _around(
        erasure, "clear_logs", point("before the logs are searched"), point("after the logs are searched")
    )
    _around(logs, "_removed", nothing, point("a log is removed"))
    _around(os, "unlink", nothing, point("a file of the index is removed"))


def work(
    home: Path, places: dict[str, Any], seed: int, first: int, point: str, passage: int, pipe: Connection
) -> None:
    """Do everything that a user can do, in an order drawn by the seed, and say on a pipe what is begun and what is done."""
    fuse = _Fuse(point, passage)
    _lay(fuse)
    pipe.send(("started",))
    limner = open_limner(
        home, encoder=PointedEncoder(fuse), before_answer=lambda: fuse("the model is asked"), **places
    )
    pipe.send(("opened",))
    draw = random.Random(seed)
    worker = _Worker(limner, draw, first, pipe, fuse)
    while True:
        name = draw.choices(*zip(*worker.does.items(), strict=True))[0]
        getattr(worker, name)(limner.user(draw.choice(USERS)))


class _Worker:
    def __init__(
        self, limner: Limner, draw: random.Random, first: int, pipe: Connection, fuse: _Fuse
    ) -> None:
        self.does = {"observe": 8, "observe_many": 2, "reflect": 2, "forget": 2, "drain": 2, "search": 2}
        self._limner = limner
        self._draw = draw
        self._next = first
        self._pipe = pipe
        self._fuse = fuse

    def observe(self, user: User) -> None:
        mark, text = self._new()
        self._pipe.send(("observing", user.user_id, {mark: text}))
        kept = user.observe(text, source="chat", key=mark)
        again = user.observe(text, source="chat", key=mark) if self._draw.random() < 0.2 else kept
        assert again == kept
        self._pipe.send(("observed", {mark: kept.id}))
        self._log(mark, text)

    def observe_many(self, user: User) -> None:
        from limner.memory import NewObservation

        texts = dict(self._new() for _ in range(4))
        self._pipe.send(("observing", user.user_id, texts))
        kept = user.observe_many(NewObservation(t, source="chat", key=m) for m, t in texts.items())
        self._pipe.send(("observed", {o.key: o.id for o in kept}))

    def reflect(self, user: User) -> None:
        user.reflect(progress=lambda step: self._fuse(step.stage))

    def forget(self, user: User) -> None:
        held = user.memory.observations()
        if len(held) > 4:
            gone = self._draw.choice(held)
            self._pipe.send(("forgetting", gone.key))
            user.forget(gone.id)
            self._pipe.send(("forgot", gone.key))

    def drain(self, _user: User) -> None:
        self._limner.memory.drain_index()

    def search(self, user: User) -> None:
        user.search("What does the user own?")

    def _log(self, mark: str, text: str) -> None:
        """Leave a log of what was said, as an evaluation does."""
        folder = self._limner.memory.settings.home / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        if self._draw.random() < 0.5:
            (folder / f"about {mark}.json").write_text(json.dumps({"said": text}))
        else:
            with ZipFile(folder / f"run {self._next}.eval", "w") as archive:
                archive.writestr("sample.json", json.dumps({"said": text}))

    def _new(self) -> tuple[str, str]:
        mark = f"q{self._next}zx"
        self._next += 1
        return mark, said(mark, moving=self._draw.random() < 0.2)
