"""Many processes that write to one store at once, while some of them read, reflect and forget."""

import random
import traceback
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from contracts.memory_reflections import proposed
from durability.processes import fork_server, warm_up
from limner.errors import StaleClaim
from limner.memory import Memory, NewObservation
from limner.settings import Settings
from limner.testing import HashEncoder

__all__ = ("SHARED", "crowd", "open_crowded")

SHARED = 10
"""One write in so many has a key that every process uses."""

_context = fork_server("durability.crowd")


def open_crowded(home: Path, **places: object) -> Memory:
    """Open a store in which users soon have an index."""
    return Memory(Settings(home=home, exact_limit=20, **places), HashEncoder(dimension=16))


def crowd(home: Path, processes: int, writes: int, **places: object) -> tuple[dict[str, str], list[str]]:
    """Let processes write to one store at once.

    Returns:
        Key and id of everything that was acknowledged, and the traceback of every error that reached a caller.
    """
    warm_up()
    started = []
    for number in range(processes):
        receiving, sending = _context.Pipe(duplex=False)
        process = _context.Process(target=_run, args=(home, number, writes, places, sending))
        process.start()
        sending.close()
        started.append((process, receiving))
    acknowledged: dict[str, str] = {}
    errors: list[str] = []
    for number, (process, receiving) in enumerate(started):
        try:
            ids, failed = receiving.recv()
        except EOFError:
            ids, failed = {}, [f"process {number} died"]
        process.join()
        receiving.close()
        errors += failed
        for key, id in ids.items():
            assert acknowledged.setdefault(key, id) == id, f"two observations have the key {key}"
    return acknowledged, errors


def _run(home: Path, number: int, writes: int, places: dict[str, Any], pipe: Connection) -> None:
    warnings.simplefilter("ignore")
    acknowledged: dict[str, str] = {}
    errors: list[str] = []
    try:
        with open_crowded(home, **places) as memory:
            _write(memory, number, writes, acknowledged, errors)
    except Exception:  # noqa: BLE001 - it is reported to the test
        errors.append(traceback.format_exc())
    pipe.send((acknowledged, errors))


def _write(memory: Memory, number: int, writes: int, acknowledged: dict[str, str], errors: list[str]) -> None:
    draw = random.Random(number)
    ada, own = memory.user("ada"), memory.user(f"user{number}")
    between: list[Callable[[], object]] = [
        lambda: ada.search("what did the 7 say", k=5),
        lambda: ada.observations(limit=20),
        lambda: own.search("what did I say", k=5),
        memory.drain_index,
        memory.status,
        lambda: _reflect(own),
        lambda: _reflect(ada),
    ]
    for step in range(writes):
        user = ada if step % 2 else own
        key = f"shared {step}" if user is ada and step % SHARED == 1 else f"{number} {step}"
        try:
            (kept,) = user.observe_many([NewObservation(f"{key}: the {number} said {step}", key=key)])
            acknowledged[key] = kept.id
            if draw.random() < 0.1:
                draw.choice(between)()
        except Exception:  # noqa: BLE001 - it is reported to the test
            errors.append(traceback.format_exc())


def _reflect(user: Any) -> None:
    batch = user.claim(500, len)
    if batch is not None:
        try:
            user.apply(batch, add=[proposed(user, f"Said {batch.id}.", *batch.observations)])
        except StaleClaim:
            user.release(batch, None)
