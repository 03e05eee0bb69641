"""Asking every question with every arm; answers are kept by the response cache, so a run that was killed goes on where it stopped."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import cast

from anyio import to_thread
from pydantic import BaseModel, ConfigDict

from limner.evals.budget.arms import Arm, Spread
from limner.evals.budget.tasks import BudgetTask
from limner.evals.choosing import chosen
from limner.evals.memories.limner import LimnerMemory
from limner.evals.records import Answer, Marked, Question
from limner.evals.running import Feeder
from limner.inference import LanguageModel
from limner.inference.ledger import measured
from limner.inference.together import together
from limner.memory.records import Portrait
from limner.profiles.recurrent import RecurrentPortraitist

__all__ = ["Asked", "Cost", "foretold", "run"]

_AT_ONCE = 16
_ROOM = 1500
"""Tokens of the context that are kept for question, options and instructions."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asked(_Frozen):
    """One question asked with one arm."""

    task: str
    way: str
    budget: int
    share: float
    question: str
    group: str | None
    cluster: str | None
    quality: float
    """Probability of the right option; for grades, 1 less the expected distance over the widest one."""
    correct: float
    error: float | None = None
    """Chosen grade less the right one."""
    tokens: int
    """Of the prompt, what came from a cache included."""
    whole: bool
    """Whether all that the way would show was shown."""


class Cost(_Frozen):
    """What the model calls took."""

    calls: int
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    reused: int


@dataclass
class _Run:
    task: BudgetTask
    arms: Sequence[Arm]
    model: LanguageModel
    memory: LimnerMemory
    feeder: Feeder
    found: list[Asked]
    tell: Callable[[str], None]
    keep: Callable[[Sequence["Asked"]], None]
    count_tokens: Callable[[str], int]
    """Remembers: the same lines are packed for every arm, and an endpoint is asked for each count."""


def foretold(tasks: Sequence[BudgetTask], arms: Sequence[Arm], rate: float = 240.0) -> Iterator[str]:
    """Yield lines that say what a run takes at most.

    Args:
        tasks: What is asked.
        arms: Each question is asked with every one of them.
        rate: Prompt tokens that the endpoint reads in a second.
    """
    for task in tasks:
        own, full = [], []
        for question in task.questions:
            asked = task.benchmark.ask(question, ()) if task.benchmark.ask else None
            own.append(sum(len(text) for _, text in asked.messages) // 4 if asked else 0)
            turns = task.benchmark.histories.get(question.history or "", ())
            full.append(sum(len(turn.text) for turn in turns) // 4)
        most = sum(
            alone + (min(whole, arm.budget) if arm.budget else whole if arm.way == "full" else 0)
            for alone, whole in zip(own, full, strict=True)
            for arm in arms
        )
        drawn = sum(full)
        yield (
            f"{task.name}: {len(task.questions)} questions, {len(arms)} prompts each, at most about {most:,} tokens of prompts and "
            f"{drawn:,} to draw the summaries; at {rate:g} tokens/s {(most + drawn) / rate / 60:.0f} minutes, less what caches save."
        )


async def run(
    task: BudgetTask,
    arms: Sequence[Arm],
    model: LanguageModel,
    memory: LimnerMemory,
    tell: Callable[[str], None] = lambda line: None,
    keep: Callable[[Sequence[Asked]], None] = lambda asked: None,
) -> tuple[list[Asked], Cost]:
    """Ask every question with every arm.

    Args:
        task: What is asked.
        arms: Ways to fill the prompt.
        model: Answers, and draws the summaries (`recurrent`: from what was said, block by block).
        memory: Of the variant `observations`; histories are stored there.
        tell: Told of each question done.
        keep: Given a question's answers once all arms are asked.

    Raises:
        ModelError: The model failed; what was answered is kept.
    """
    counted = lru_cache(maxsize=None)(model.count_tokens)
    this = _Run(task, arms, model, memory, Feeder(task.benchmark, memory, 1), [], tell, keep, counted)
    with measured() as meter:
        await together([partial(_asked_and_kept, this, one) for one in task.questions], at_once=_AT_ONCE)
    total = meter.total()
    order = {question.id: place for place, question in enumerate(task.questions)}
    places: dict[tuple[str, int, float], int] = {
        (arm.way, arm.budget, arm.share): place for place, arm in enumerate(arms)
    }
    found = sorted(this.found, key=lambda one: (places[one.way, one.budget, one.share], order[one.question]))
    return found, Cost(
        calls=total.calls,
        prompt_tokens=total.prompt_tokens,
        cached_tokens=total.cached_tokens,
        output_tokens=total.output_tokens,
        reused=total.reused,
    )


async def _asked_and_kept(this: _Run, question: Question) -> None:
    await _asked(this, question)
    this.keep([one for one in this.found if one.question == question.id])
    this.tell(
        f"{this.task.name}: {len(this.found) // len(this.arms)} of {len(this.task.questions)} questions"
    )


async def _asked(this: _Run, question: Question) -> None:
    spread = await _spread(this, question)
    for arm in this.arms:  # one after the other: the shorter ones are the beginnings of the longer
        known = await to_thread.run_sync(spread.known, arm, question.text)
        assert this.task.benchmark.ask is not None
        asked = this.task.benchmark.ask(question, known.passages)
        with measured() as meter:
            option, scores = await chosen(this.model, asked)
        marked = this.task.benchmark.mark(question, Answer(option, known.passages, scores))
        assert isinstance(marked, Marked)
        this.found.append(
            Asked(
                task=this.task.name,
                way=arm.way,
                budget=arm.budget,
                share=arm.share,
                question=question.id,
                group=question.group,
                cluster=question.cluster,
                quality=_quality(this.task, question, asked.options, scores, marked),
                correct=marked.values["correct"],
                error=marked.values.get("error"),
                tokens=meter.total().prompt_tokens,
                whole=known.whole,
            )
        )


async def _spread(this: _Run, question: Question) -> Spread:
    history = cast(str, question.history)
    await to_thread.run_sync(this.feeder.search, question)
    id = this.feeder.user(history)
    user = this.memory.store.user(id)
    portrait: Portrait = await RecurrentPortraitist(this.model).draw(user)
    return Spread(
        user,
        this.task.benchmark.histories[history],
        portrait,
        partial(this.memory.turns_of, id),
        this.count_tokens,
        this.model.context_length - _ROOM,
    )


def _quality(
    task: BudgetTask, question: Question, options: Sequence[str], scores: Sequence[float], marked: Marked
) -> float:
    chances = _chances(scores) if scores else None
    if task.rated:
        gold, widest = float(question.target[0]), float(len(options) - 1)
        if chances is None:
            return 1 - abs(marked.values["error"]) / widest
        expected = sum(p * abs(float(option) - gold) for p, option in zip(chances, options, strict=True))
        return 1 - expected / widest
    right = next(place for place, option in enumerate(options) if option in _letters(question))
    return marked.values["correct"] if chances is None else chances[right]


def _letters(question: Question) -> set[str]:
    """Return how the right option may be lettered."""
    letter = question.target[0].strip("()")
    return {letter, letter.upper(), letter.lower()}


def _chances(scores: Sequence[float]) -> list[float]:
    best = max(scores)
    weights = [math.exp(score - best) for score in scores]
    return [weight / sum(weights) for weight in weights]
