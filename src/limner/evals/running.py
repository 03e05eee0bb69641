"""Feeding a benchmark's histories to a memory, and searching it: what every harness does with one question."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import groupby

import numpy as np
from anyio import to_thread

from limner.errors import InputError
from limner.evals.memories.protocol import MemorySystem
from limner.evals.records import Answer, Benchmark, Marked, Passage, Question, Turn
from limner.evals.results import Cost, Item
from limner.evals.stating import item_of
from limner.inference.ledger import Meter, measured

__all__ = ["Feeder", "asked_of", "metered", "run_plainly", "session_turns", "stratified"]


def stratified(questions: Sequence[Question], limit: int | None, seed: int) -> list[Question]:
    """Return at most `limit` questions, every group in its proportion, in the order of the file.

    Questions that are one item in several orders of its options (`details["item"]`) are drawn together, or not at all. Whole
    users would keep intervals honest too, but leave types of question out at a small limit.

    Args:
        questions: All of them.
        limit: How many; none takes all.
        seed: Of the draw.

    Raises:
        InputError: The limit is lower than the number of orders in which one item is asked.
    """
    if limit is None or limit >= len(questions):
        return list(questions)
    items: dict[str, list[int]] = {}
    for place, question in enumerate(questions):
        items.setdefault(str(question.details.get("item", question.id)), []).append(place)
    units = list(items.values())
    by_group: dict[str, list[int]] = {}
    for unit in np.random.default_rng(seed).permutation(len(units)):
        by_group.setdefault(questions[units[unit][0]].group or "", []).append(int(unit))
    # Each unit gets its quantile within its group; the lowest ones together are a proportional sample.
    ranked = sorted(
        ((rank + 0.5) / len(members), group, unit)
        for group, members in sorted(by_group.items())
        for rank, unit in enumerate(members)
    )
    drawn: list[int] = []
    for _, _, unit in ranked:
        if len(drawn) + len(units[unit]) > limit:
            break
        drawn += units[unit]
    if not drawn and items:
        raise InputError(
            f"An item is asked in {len(units[ranked[0][2]])} orders of its options; {limit} is no limit."
        )
    return [questions[place] for place in sorted(drawn)]


def asked_of(benchmark: Benchmark, limit: int | None, seed: int) -> list[Question]:
    """Return the questions of a benchmark that a run asks; arguments as for `stratified`.

    Raises:
        InputError: None is left; the message says what became of them.
    """
    questions = stratified(benchmark.questions, limit, seed)
    if not questions:
        counted = "; ".join(f"{what}: {count}" for what, count in benchmark.counted.items())
        raise InputError(f"{benchmark.name} has no question to ask{f' ({counted})' if counted else ''}.")
    return questions


def session_turns(turns: Sequence[Turn]) -> Iterator[tuple[datetime | None, list[Turn]]]:
    """Yield the sessions of a history: runs of turns of the same moment."""
    for moment, run in groupby(turns, key=lambda turn: turn.at):
        yield moment, list(run)


@dataclass
class _TakenIn:
    """What a memory was given so far, by whatever feeder."""

    sessions: dict[str, int] = field(default_factory=dict)
    """How many of each user's."""
    locks: dict[str, threading.Lock] = field(default_factory=dict)


_TAKEN_IN: dict[int, tuple[MemorySystem, _TakenIn]] = {}
"""By the identity of a memory, which need not be hashable: one that is open is shared by what foretells a run, by the run, and by other
runs of the process."""


@dataclass
class Feeder:
    """Gives each history to the memory once, when a question first needs it, and searches.

    Once holds for the memory: further feeders of the same one find the history taken in. Safe to share between tasks; questions
    about one history wait for each other, others run side by side.
    """

    benchmark: Benchmark
    memory: MemorySystem
    k: int
    _users: dict[str, str] = field(default_factory=dict)
    _taken_in: _TakenIn = field(init=False)

    def __post_init__(self) -> None:
        self._taken_in = _TAKEN_IN.setdefault(id(self.memory), (self.memory, _TakenIn()))[1]

    async def passages(self, question: Question) -> list[Passage]:
        """Return what the memory finds for a question; nothing for one without a history."""
        return await to_thread.run_sync(self.search, question)

    def search(self, question: Question) -> list[Passage]:
        """Sync twin of `passages`."""
        return [] if question.history is None else self._search(question, question.history)

    def user(self, history: str) -> str:
        """Return the id under which a history is kept: its content is part of it, so nothing stale is met."""
        if history not in self._users:
            turns = [asdict(turn) for turn in self.benchmark.histories[history]]
            digest = hashlib.sha256(repr(turns).encode("utf-8", "surrogatepass")).hexdigest()
            self._users[history] = f"{self.benchmark.name}-{digest[:20]}"
        return self._users[history]

    def _search(self, question: Question, history: str) -> list[Passage]:
        user = self.user(history)
        done = self._taken_in.sessions
        with self._taken_in.locks.setdefault(user, threading.Lock()):
            for number, (moment, turns) in enumerate(session_turns(self.benchmark.histories[history])):
                if number >= done.get(user, 0):
                    self.memory.add(user, turns, moment)
                    done[user] = number + 1
            return list(self.memory.search(user, question.text, self.k))


def metered(meter: Meter) -> Cost:
    """Return what the calls cost that a meter saw."""
    total = meter.total()
    return Cost(
        calls=total.calls,
        input_tokens=total.prompt_tokens,
        cached_tokens=total.cached_tokens,
        output_tokens=total.output_tokens,
        seconds=total.seconds,
        reused=total.reused,
    )


def run_plainly(
    benchmark: Benchmark,
    questions: Sequence[Question],
    memory: MemorySystem,
    k: int,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Item]:
    """Ask a memory alone, in this thread: for benchmarks of retrieval, whose thousands of questions need no harness.

    Args:
        benchmark: One that asks no model.
        questions: Of it.
        memory: Under test.
        k: Passages to search for.
        progress: Called with the number of questions done.

    Raises:
        ValueError: The benchmark asks a model.
    """
    feeder = Feeder(benchmark, memory, k)
    items = []
    for number, question in enumerate(questions, 1):
        with measured() as meter:
            passages = feeder.search(question)
        marked = benchmark.mark(question, Answer("", tuple(passages)))
        if benchmark.ask is not None or not isinstance(marked, Marked):
            raise ValueError(f"{benchmark.name} asks a model; run it as a task of inspect_ai.")
        items.append(item_of(question, marked, metered(meter)))
        progress(number)
    return items
