"""What another process does to a store while a test looks on: it claims and dies, or reflects and waits to be told to go on."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from answering import Answers
from durability.processes import fork_server, warm_up
from limner.memory import Memory
from limner.profiles.propositions.reflect import reflect
from limner.settings import Settings
from limner.testing import HashEncoder

__all__ = ("Reflecting", "claim_and_die", "reflecting")

_context = fork_server("durability.elsewhere")
_PATIENCE_S = 60


def claim_and_die(user_id: str, **settings: object) -> int | None:
    """Let a process claim a batch and end without a word; return its exit code, 9 if it had got one."""
    warm_up()
    process = _context.Process(target=_claim, args=(user_id, settings))
    process.start()
    process.join()
    return process.exitcode


def _claim(user_id: str, settings: dict[str, Any]) -> None:
    memory = Memory(Settings(**settings), HashEncoder())
    assert memory.user(user_id).claim(100, len) is not None
    os._exit(9)


class Reflecting:
    """A process that has asked its model about a user, and has not been answered yet."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def finish(self) -> tuple[int, int]:
        """Let the model answer; return how many batches there were, and how many propositions they gave."""
        self._pipe.send("go on")
        assert self._pipe.poll(_PATIENCE_S)
        done: tuple[int, int] = self._pipe.recv()
        return done


@contextmanager
def reflecting(user_id: str, *, malformed: bool = False, **settings: object) -> Iterator[Reflecting]:
    """Let a process reflect on a user, up to its first question to the model.

    Args:
        user_id: On whom.
        malformed: Whether the first answer is prose that repeats what was asked.
        settings: Of the store.
    """
    warm_up()
    here, there = _context.Pipe()
    process = _context.Process(target=_reflect, args=(user_id, malformed, settings, there))
    process.start()
    there.close()
    try:
        assert here.poll(_PATIENCE_S)
        assert here.recv() == "asked"
        yield Reflecting(here)
    finally:
        process.kill()
        process.join()
        here.close()


def _reflect(user_id: str, malformed: bool, settings: dict[str, Any], pipe: Connection) -> None:
    asked: list[str] = []

    def propose(lines: str) -> str:
        asked.append(lines)
        if len(asked) == 1:
            pipe.send("asked")
            pipe.recv()
            if malformed:
                return f"I cannot say anything about {lines} as JSON"
        numbered = enumerate((line for line in lines.splitlines() if line.startswith("[")), 1)
        statements = [
            {
                "reasoning": f"So they say: {line}",
                "text": "The user says: " + line.split(") ")[-1],
                "evidence": [number],
                "confidence": 8,
                "durability": 8,
            }
            for number, line in numbered
        ]
        return json.dumps({"statements": statements})

    chosen = Settings(max_attempts=1, **settings)
    with Memory(chosen, HashEncoder(dimension=64)) as memory:
        model = Answers(replies={"propose": propose, "relate": _unrelated}).model(plan="batch")
        done = asyncio.run(reflect(memory.user(user_id), model, memory.encoder, chosen))
    pipe.send((done.batches, len(done.added)))


def _unrelated(pairs: str) -> dict[str, Any]:
    count = sum(line.startswith("[") for line in pairs.splitlines())
    return {"labels": [{"pair": number + 1, "relation": "unrelated"} for number in range(count)]}
