"""Doors under watch: every answer and every error of one user's is searched for what belongs to another.

Whatever a user says carries a mark of theirs, and every id belongs to whoever it was first seen with. So a foreign mark
or id in an answer, a count apart, is a leak.
"""

import logging
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from limner.errors import LimnerError

__all__ = ("Door", "LogWatch", "Watch", "outcome", "plain", "same")

MARK = re.compile(r"mark\d+x", re.IGNORECASE)
_MARK_BYTES = re.compile(MARK.pattern.encode(), re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_NEAR = 1e-5
"""By how much a score may differ from itself, for sums of floats in another order."""


class Watch:
    """Who has which mark, which ids were seen with whom, and what was asked of the doors."""

    def __init__(self, names: Sequence[str]) -> None:
        self.marks = {name: f"mark{number}x" for number, name in enumerate(names)}
        self.owner: dict[str, str] = {}
        self.calls: Counter[str] = Counter()

    def check(self, name: str, said: str) -> None:
        """Make sure that nothing of another user is in what was said to this one."""
        foreign = {mark.lower() for mark in MARK.findall(said)} - {self.marks[name]}
        assert not foreign, f"{foreign} was told to {name!r}: {said[:500]}"
        for id in _UUID.findall(said):
            whose = self.owner.setdefault(id, name)
            assert whose == name, f"{id} of {whose!r} was told to {name!r}: {said[:500]}"

    def check_files(self, home: Path) -> None:
        """Make sure that nobody's words are in a file of the data folder, but in the database."""
        for path in home.rglob("*"):
            place = str(path.relative_to(home))
            assert not MARK.search(place), place
            if path.is_file() and not path.name.startswith("limner.db"):
                assert not _MARK_BYTES.search(path.read_bytes()), f"words are in {place}"


class Door:
    """What a user holds; every call of a method is counted, and its answer or error looked at.

    Args:
        watch: Who looks.
        name: Whose it is.
        inner: Returns the real one, which is another one after a restart.
    """

    def __init__(self, watch: Watch, name: str, inner: Callable[[], Any]) -> None:
        self.user_id = name
        self._watch = watch
        self._inner = inner

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: object, **kwargs: object) -> Any:
            self._watch.calls[method] += 1
            try:
                answer = getattr(self._inner(), method)(*args, **kwargs)
                if isinstance(answer, Iterator):
                    answer = list(answer)
            except LimnerError as error:
                said = _without(_chain(error), [*args, *kwargs.values()])
                self._watch.check(self.user_id, said)
                raise
            self._watch.check(self.user_id, repr(answer))
            return answer

        return call


class LogWatch(logging.Handler):
    """Keeps everything that is logged, at any level by limner and from warnings on by others."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._logger = logging.getLogger("limner")
        self._level = self._logger.level

    def __enter__(self) -> "LogWatch":
        self._logger.setLevel(logging.DEBUG)
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)
        self._logger.setLevel(self._level)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, with the traceback that belongs to it."""
        self.lines.append(self.format(record))

    def check(self) -> None:
        """Make sure that nothing of anybody was logged."""
        assert [line for line in self.lines if MARK.search(line)] == []


def outcome(what: Callable[[], object], hidden: Sequence[str] = ()) -> object:
    """Return what comes of a call, an error included, without ids and moments.

    Args:
        what: Makes the call.
        hidden: Texts that are masked as ids are.
    """
    try:
        return "returned", plain(what())
    except LimnerError as error:
        said = str(error)
        for text in hidden:
            said = said.replace(text, "#")
        return type(error).__name__, plain(said)


def plain(answer: object) -> Any:
    """Return an answer as lists, dicts and texts in which every id is `#` and every moment `@`, without remnants."""
    if isinstance(answer, BaseModel):
        return plain(dict(answer))
    if is_dataclass(answer) and not isinstance(answer, type):
        # What an erasure leaves to others depends on where the store is.
        names = [field.name for field in fields(answer) if field.name != "remnants"]
        return {name: plain(getattr(answer, name)) for name in names}
    if isinstance(answer, datetime):
        return "@"
    if isinstance(answer, str):
        return _MOMENT.sub("@", _UUID.sub("#", answer))
    if isinstance(answer, Mapping):
        return {plain(key): plain(value) for key, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [plain(one) for one in answer]
    return answer


def same(one: object, other: object) -> bool:
    """Return whether two plain answers are alike, floats nearly so."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_NEAR, abs_tol=_NEAR)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def _chain(error: BaseException) -> str:
    """Return the words of an error, and of what lies behind it."""
    said = []
    step: BaseException | None = error
    while step is not None:
        said.append(f"{step} {step.args!r}")
        step = step.__cause__ or step.__context__
    return "\n".join(said)


def _without(said: str, handed_in: Sequence[object]) -> str:
    """Return a text without what the caller had handed in."""
    for text in sorted(set(_texts(handed_in)), key=len, reverse=True):
        said = said.replace(text, "").replace(repr(text)[1:-1], "")
    return said


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, BaseModel):
        yield from _texts(dict(value))
    elif is_dataclass(value):
        yield from _texts([getattr(value, field.name) for field in fields(value)])
    elif isinstance(value, Mapping):
        yield from _texts([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
