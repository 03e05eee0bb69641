"""What conversations add up to: how many found what was looked for, by turn, in how many turns, and what went wrong."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from limner.evals.conversation.playing import Played
from limner.evals.resampling import Floats, bootstrap_mean, paired_bootstrap_mean
from limner.memory.records import Record

__all__ = [
    "LISTS",
    "Contrast",
    "ConversationReport",
    "Difference",
    "Stated",
    "SystemFigures",
    "found",
    "stated",
    "turns_taken",
]

LISTS = (1, 5, 10)
"""How much of what a turn shows is looked at."""


class Stated(Record):
    """A mean with its 95 % interval, of no width given where there are too few people."""

    value: float
    low: float | None = None
    high: float | None = None


class Difference(Stated):
    """A mean difference."""

    p: float | None = None
    """Two-sided: how often chance alone would make a difference as large."""


class Contrast(Record):
    """A system less another that stands before it, on the conversations that say something about both."""

    against: str
    conversations: int
    success: Difference
    """Of the whole list, after the last turn."""
    turns: Difference


class SystemFigures(Record):
    """One system; means over conversations, those that are void left out."""

    system: str
    conversations: int
    success: Mapping[str, tuple[Stated, ...]]
    """By length of the list: the share of conversations in which a target was among so many in this turn or before, for each turn."""
    turns: Stated
    """Until a target was shown; a conversation in which none was counts as long as the longest."""
    questions: float
    """Turns that asked, in one conversation."""
    shown: float
    """Items, in one conversation."""
    repeated: int
    """Items shown that had been shown in the same conversation, over all."""
    outside: int
    """Items shown that the catalogue does not have, over all."""
    known: int
    """Items shown that the system knew to be known, over all."""
    mistaken: int
    """Conversations that ended because the seeker took something that was no target."""
    gave_up: int
    void: int
    """Conversations in which the seeker gave a target away."""
    failures: int
    """Conversations that an error ended; they count as not found, unless it came after."""
    calls: float
    """Of the language model for the system, in one conversation."""
    computed_tokens: float
    seconds: float
    """Of waiting for a reply."""
    contrasts: tuple[Contrast, ...] = ()


class ConversationReport(Record):
    """What came out."""

    about: Mapping[str, Any]
    drawn: int
    """Conversations that are to be had with each system."""
    systems: tuple[SystemFigures, ...]
    folder: str

    def summary(self) -> dict[str, Any]:
        """Return it as JSON."""
        return self.model_dump(mode="json")


def found(one: Played, k: int, turn: int) -> bool:
    """Whether a target was among the first `k` that a turn showed, in this turn or before."""
    return one.turn is not None and one.rank is not None and one.turn <= turn and one.rank <= k


def turns_taken(one: Played, limit: int) -> int:
    """Return the turn that showed a target, or the limit where none did, as in EAR (Lei et al., WSDM 2020, §4.1)."""
    return one.turn if one.turn is not None else limit


def stated(
    about: Mapping[str, Any], systems: Sequence[str], kept: Mapping[tuple[str, str], Played], folder: str
) -> ConversationReport:
    """State every system of which something is kept.

    Args:
        about: The run: `seed`, `turns`, `show` and `cases`, the ids of the conversations.
        systems: Names, in the order of the table.
        kept: Conversations by case and system.
        folder: Where they are kept.
    """
    by_system = {
        name: {case: kept[case, name] for case in about["cases"] if (case, name) in kept} for name in systems
    }
    figures = [
        _figures(name, by_system[name], {other: by_system[other] for other in systems[:place]}, about)
        for place, name in enumerate(systems)
        if by_system[name]
    ]
    return ConversationReport(
        about={name: value for name, value in about.items() if name != "cases"},
        drawn=len(about["cases"]),
        systems=tuple(figures),
        folder=folder,
    )


def _figures(
    name: str, own: Mapping[str, Played], others: Mapping[str, Mapping[str, Played]], about: Mapping[str, Any]
) -> SystemFigures:
    seed, limit, show = int(about["seed"]), int(about["turns"]), int(about["show"])
    counted = [one for one in own.values() if one.counts]
    people = [one.person for one in counted]

    def mean(value: Callable[[Played], float]) -> Stated:
        return _stated(np.array([value(one) for one in counted], dtype=np.float64), people, seed)

    def success(k: int) -> tuple[Stated, ...]:
        return tuple(mean(lambda one, turn=turn: found(one, k, turn)) for turn in range(1, limit + 1))  # type: ignore[misc]

    return SystemFigures(
        system=name,
        conversations=len(counted),
        success={str(k): success(k) for k in LISTS if k <= show},
        turns=mean(lambda one: turns_taken(one, limit)),
        questions=_mean([sum(e.asked is not None for e in one.exchanges) for one in counted]),
        shown=_mean([sum(len(e.shown) for e in one.exchanges) for one in counted]),
        repeated=sum(one.repeated for one in own.values()),
        outside=sum(one.outside for one in own.values()),
        known=sum(one.known for one in own.values()),
        mistaken=sum(one.taken is not None and one.turn is None for one in counted),
        gave_up=sum(one.gave_up for one in counted),
        void=len(own) - len(counted),
        failures=sum(one.failed is not None for one in counted),
        calls=_mean([one.cost.calls for one in counted]),
        computed_tokens=_mean([one.cost.computed_tokens for one in counted]),
        seconds=_mean([e.seconds for one in counted for e in one.exchanges]),
        contrasts=tuple(
            c for other, theirs in others.items() if (c := _contrast(own, other, theirs, about)) is not None
        ),
    )


def _contrast(
    own: Mapping[str, Played], other: str, theirs: Mapping[str, Played], about: Mapping[str, Any]
) -> Contrast | None:
    seed, limit, show = int(about["seed"]), int(about["turns"]), int(about["show"])
    both = [
        (own[case], theirs[case])
        for case in own
        if case in theirs and own[case].counts and theirs[case].counts
    ]
    if not both:
        return None
    people = [mine.person for mine, _ in both]
    gained = np.array([found(a, show, limit) - found(b, show, limit) for a, b in both], dtype=np.float64)
    longer = np.array([turns_taken(a, limit) - turns_taken(b, limit) for a, b in both], dtype=np.float64)
    return Contrast(
        against=other,
        conversations=len(both),
        success=_difference(gained, people, seed),
        turns=_difference(longer, people, seed),
    )


def _difference(values: Floats, people: Sequence[str], seed: int) -> Difference:
    tested = paired_bootstrap_mean(values, seed=seed, clusters=people)
    low, high, p = _finite(tested.low), _finite(tested.high), _finite(tested.p)
    return Difference(value=tested.value, low=low, high=high, p=p)


def _stated(values: Floats, people: Sequence[str], seed: int) -> Stated:
    if not len(values):
        return Stated(value=0.0)
    low, high = bootstrap_mean(values, seed=seed, clusters=people)
    return Stated(value=float(values.mean()), low=_finite(low), high=_finite(high))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
