"""What is put before the model: nothing, the last turns, retrieval, a summary, both, or everything."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from limner.evals.memories.histories import Histories, verbatim
from limner.evals.records import Passage, Turn
from limner.memory.records import Observation, Portrait, PortraitLine
from limner.memory.search import Recall
from limner.memory.user import UserMemory
from limner.profiles.context import SUMMARY_SHARE, pack

__all__ = ["BUDGETED", "UNBUDGETED", "Arm", "Known", "Spread", "Way", "arms"]

Way = Literal["none", "full", "recent", "retrieval", "summary", "both"]
UNBUDGETED: tuple[Way, ...] = ("none", "full")
BUDGETED: tuple[Way, ...] = tuple(way for way in get_args(Way) if way not in UNBUDGETED)


@dataclass(frozen=True, order=True)
class Arm:
    """One way of filling a prompt."""

    way: Way
    budget: int = 0
    """Most tokens of what is known; 0 where the way has none."""
    share: float = SUMMARY_SHARE
    """Of the budget that the summary may take before anything is retrieved; for `both`."""

    @property
    def name(self) -> str:
        """Such as `both, 60`."""
        told = f"{self.way}, {self.budget}" if self.budget else self.way
        return told if self.way != "both" or self.share == SUMMARY_SHARE else f"{told}, share {self.share:g}"


def arms(
    budgets: Sequence[int],
    shares: Sequence[float] = (SUMMARY_SHARE,),
    ways: Sequence[Way] = (*UNBUDGETED, *BUDGETED),
) -> list[Arm]:
    """Return every arm, those without a budget first, then by way and budget.

    Args:
        budgets: Tokens.
        shares: Of the budget, that the summary may take in `both`.
        ways: Which ways.
    """
    found = [Arm(way) for way in ways if way in UNBUDGETED]
    for way in ways:
        if way in BUDGETED:
            tried = shares if way == "both" else (SUMMARY_SHARE,)
            found += [Arm(way, budget, share) for share in tried for budget in sorted(budgets)]
    return found


@dataclass(frozen=True)
class Known:
    """What a prompt is filled with."""

    passages: tuple[Passage, ...]
    whole: bool = True
    """Whether all of it is there that the way would show; `full` of a long history does not fit a short context."""


class Spread:
    """One user's history, to be put before a model in every way.

    Args:
        user: Where the history is stored.
        turns: The history itself.
        portrait: Its summary.
        turns_of: Ids of the turns that observations were made from, for prompts that know them.
        count_tokens: Counts the tokens of a text.
        window: Most tokens that any prompt may be filled with.
    """

    def __init__(
        self,
        user: UserMemory,
        turns: Sequence[Turn],
        portrait: Portrait,
        turns_of: Callable[[Sequence[str]], Sequence[str | None]],
        count_tokens: Callable[[str], int],
        window: int,
    ) -> None:
        self._user = user
        histories = Histories()
        histories.add("", [turn for turn in turns if turn.role != "system"], None)
        self._turns = histories.of("")
        self._portrait = portrait
        self._turns_of = turns_of
        self._count = count_tokens
        self._window = window

    def known(self, arm: Arm, question: str) -> Known:
        """Return what an arm puts before the model for a question."""
        if arm.way == "none":
            return Known(())
        if arm.way in ("full", "recent"):
            return self._last(arm.budget or self._window)
        none = self._portrait.model_copy(update={"lines": ()})
        if arm.way == "summary":
            return Known(tuple(self._line(line) for line in self._fitting(arm.budget)))
        context = pack(
            self._user,
            question,
            portrait=none if arm.way == "retrieval" else self._portrait,
            budget=arm.budget,
            count_tokens=self._count,
            share=arm.share,
        )
        lines = [self._line(line) for line in context.portrait]
        return Known((*lines, *(self._recalled(one) for one in context.recalled)))

    def _last(self, budget: int) -> Known:
        """Return the last turns that fit, in the order of time; one that does not fit ends it."""
        kept: list[Turn] = []
        for turn in reversed(self._turns):
            budget -= self._count(turn.text)
            if budget < 0:
                break
            kept.insert(0, turn)
        return Known(tuple(verbatim(turn) for turn in kept), whole=len(kept) == len(self._turns))

    def _fitting(self, budget: int) -> list[PortraitLine]:
        kept = []
        for line in self._portrait.lines:
            cost = self._count(f"- {line.text}\n")
            if cost <= budget:
                budget -= cost
                kept.append(line)
        return kept

    def _line(self, line: PortraitLine) -> Passage:
        return Passage(line.text)  # without ids: a prompt that knows the turns would show them in its place

    def _recalled(self, recall: Recall) -> Passage:
        record = recall.record
        if not isinstance(record, Observation):
            return Passage(record.text, score=recall.score)
        ids = tuple(id for id in self._turns_of([record.id]) if id is not None)
        role: Literal["assistant", "user"] = "assistant" if record.author == "assistant" else "user"
        return Passage(record.text, ids, recall.score, role)
