"""Many users with numbered marks, and a server on loopback that concludes something from each: who was asked what, and when."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from inference.loopback_server import Answer, LoopbackServer, loopback_server, said
from limner.api import Limner
from limner.memory import NewObservation
from limner.settings import Settings
from limner.testing import HashEncoder

__all__ = ["Crowd", "check_each_once", "crowd_server", "observe", "opened"]

_MARK = re.compile(r"u\d+n\d+")


def opened(home: Path, url: str, **settings: Any) -> Limner:
    """Open limner on a server, with batches of two or three observations."""
    chosen = {"base_url": url, "model": "m", "batch_tokens": 64, "dataset": None, "timeout_s": 20, **settings}
    return Limner.open(home, settings=Settings(**chosen), encoder=HashEncoder(dimension=16))


def observe(limner: Limner, sizes: list[int]) -> None:
    """Let user `u0`, `u1`, … say so many things, each with a mark of its own."""
    for user, size in enumerate(sizes):
        texts = (f"Bought a thing called u{user}n{number} at the old market today." for number in range(size))
        limner.user(f"u{user}").observe_many(NewObservation(t, source="chat") for t in texts)


@dataclass
class Crowd:
    """What a server has been asked, and how it answers.

    Args:
        before: May give another answer than the usual one, to the marks that are asked about.
        delay_s: How long each answer takes.
    """

    before: Callable[[list[str]], Answer | None] = lambda marks: None
    delay_s: float = 0.0
    url: str = ""
    asked: list[list[str]] = field(default_factory=list)
    """The marks of each answered question for proposals, in the order in which it came."""
    times: list[float] = field(default_factory=list)
    """When each question came, the refused ones too."""
    running: int = 0
    most: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, body: dict[str, Any]) -> Answer:
        # After an answer that cannot be used it is the last message but one that has the lines.
        prompts = [message["content"] for message in body["messages"] if _MARK.search(message["content"])]
        lines = [line for line in (prompts or [""])[0].splitlines() if line.startswith("[")]
        marks = [_MARK.search(line)[0] for line in lines if _MARK.search(line)]
        with self._lock:
            self.times.append(time.monotonic())
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            other = self.before(marks)
            if other is not None:
                return other
            time.sleep(self.delay_s)
        finally:
            with self._lock:
                self.running -= 1
        if _schema(body) == "Proposals":
            with self._lock:
                self.asked.append(marks)
        return said(_concluded(lines, body))


def _schema(body: dict[str, Any]) -> str | None:
    return body.get("response_format", {}).get("json_schema", {}).get("name")


def _concluded(lines: list[str], body: dict[str, Any]) -> str:
    if _schema(body) == "Relations":
        pairs = range(1, len(lines) + 1)
        return json.dumps({"labels": [{"pair": pair, "relation": "unrelated"} for pair in pairs]})
    if _schema(body) == "Verdicts":
        drafts = range(1, len(lines) + 1)
        verdicts = [{"draft": draft, "reason": "it says so", "supported": True} for draft in drafts]
        return json.dumps({"verdicts": verdicts})
    if _schema(body) != "Proposals":
        return "yes"
    statements = [
        {
            "reasoning": "they say so",
            "text": f"The user bought a thing called {_MARK.search(line)[0]}.",
            "evidence": [number],
            "confidence": 8,
            "durability": 8,
        }
        for number, line in enumerate(lines, 1)
    ]
    return json.dumps({"statements": statements})


@contextmanager
def crowd_server(crowd: Crowd, *, port: int = 0) -> Iterator[LoopbackServer]:
    """Serve it."""
    with loopback_server(crowd, port=port, context_length=8192) as server:
        crowd.url = server.url
        yield server


def check_each_once(limner: Limner, sizes: list[int], crowd: Crowd | None = None) -> None:
    """Make sure that everything was concluded from once, and of each user in order."""
    with limner.memory.database.read() as connection:
        states = connection.execute(text("SELECT user_id, text, state, id FROM observations")).all()
        members = Counter(connection.execute(text("SELECT observation_id FROM batch_members")).scalars())
        concluded = Counter(
            _MARK.search(row.text)[0] for row in connection.execute(text("SELECT text FROM propositions"))
        )
    marks = {f"u{user}n{number}" for user, size in enumerate(sizes) for number in range(size)}
    assert {row.state for row in states} == {"done"}
    assert {_MARK.search(row.text)[0] for row in states} == marks
    assert members == {row.id: 1 for row in states}
    assert concluded == dict.fromkeys(marks, 1)
    if crowd is not None:
        check_order(crowd)


def check_order(crowd: Crowd) -> None:
    """Make sure that each user was asked about in order, and about nothing twice."""
    seen: dict[str, list[int]] = {}
    for marks in crowd.asked:
        users = {mark.partition("n")[0] for mark in marks}
        assert len(users) <= 1, "two users in one question"
        for mark in marks:
            user, _, number = mark.partition("n")
            seen.setdefault(user, []).append(int(number))
    for user, numbers in seen.items():
        assert numbers == sorted(set(numbers)), f"{user}: {numbers}"
