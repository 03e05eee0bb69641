"""From marked questions to the statement of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, cast

from limner import __version__
from limner.evals.records import Benchmark, Marked, Question
from limner.evals.results import Cost, Item, Result
from limner.evals.sources import file_hash
from limner.evals.statistics import grouped, statements
from limner.inference import load_prompt
from limner.settings import Settings

__all__ = ["STATEMENT", "Asking", "description", "item_of", "stated"]

STATEMENT = "limner"
"""Key under which logs keep what is limner's: in a task's metadata, a sample's store and a score's metadata."""
_TOLD = {"model", "base_url", "temperature", "seed", "context_length", "call_plan", "encoder"}
"""Settings that results state; keys and paths stay out."""


def item_of(question: Question, marked: Marked, cost: Cost) -> Item:
    """Return how a question counts, as it is kept in logs."""
    groups = cast(Mapping[str, object], question.details.get("groups") or {})
    return Item(
        id=question.id,
        group=question.group,
        groups={name: str(value) for name, value in groups.items()},
        cluster=question.cluster,
        values=dict(marked.values),
        labels=marked.labels,
        answer=marked.answer,
        cost=cost,
    )


def description(
    benchmark: Benchmark,
    questions: Sequence[Question],
    *,
    memory: str,
    k: int,
    seed: int,
    parameters: Mapping[str, Any],
    settings: Settings,
) -> dict[str, Any]:
    """Return what a run is, before it begins: JSON-able, and kept in the log.

    Args:
        benchmark: What is run.
        questions: Those of it that are asked.
        memory: Name of the memory, with its version where it has one.
        k: Passages asked for.
        seed: Of every draw.
        parameters: Every other parameter of the task.
        settings: In force for limner's own model and memory.
    """
    return {
        "task": benchmark.name,
        "limner": __version__,
        "memory": memory,
        "k": k,
        "seed": seed,
        "parameters": {name: str(v) if isinstance(v, Path) else v for name, v in parameters.items()},
        "measures": _measures(benchmark, k),
        "data": {f"{path.parent.name}/{path.name}": file_hash(path) for path in benchmark.files},
        "prompts": {name: load_prompt(name, settings.prompts).hash for name in benchmark.prompts},
        "floors": _floors(benchmark, questions),
        "published": dict(benchmark.published),
        "counted": dict(benchmark.counted),
        "model_settings": settings.model_dump(mode="json", include=_TOLD),
    }


def _measures(benchmark: Benchmark, k: int) -> list[str]:
    """Return the measures, without those down to a rank that was not asked for."""
    if benchmark.ask is not None:
        return list(benchmark.measures)
    return [name for name in benchmark.measures if int(name.partition("@")[2] or 0) <= k]


def _floors(benchmark: Benchmark, questions: Sequence[Question]) -> dict[str, float]:
    """Return the floors on exactly the questions that are asked, or say that they are not."""
    if benchmark.floors_on is not None:
        return dict(benchmark.floors_on(questions))
    each = [cast(Mapping[str, float], question.details.get("floors") or {}) for question in questions]
    if each and all(each):
        return {name: sum(one[name] for one in each) / len(each) for name in each[0]}
    whole = "" if len(questions) == len(benchmark.questions) else " (all questions)"
    return {f"{name}{whole}": value for name, value in benchmark.floors.items()}


@dataclass(frozen=True)
class Asking:
    """Who answered, when, and how it ended."""

    model: str
    started: datetime
    status: str = "success"
    origin: Path | None = None


def stated(described: Mapping[str, Any], items: Sequence[Item], asking: Asking) -> Result:
    """Return the result of a run.

    Args:
        described: What `description` returned.
        items: Every question that was marked.
        asking: Who answered.
    """
    measures, seed = described["measures"], described["seed"]
    groups = dict(grouped(items, measures, seed=seed))
    # One that parts the items as their group does would state the same again.
    ways = {name for item in items for name, value in item.groups.items() if value != item.group}
    for name in sorted(ways):
        regrouped = [
            item.model_copy(update={"group": f"{name}: {item.groups[name]}"})
            for item in items
            if name in item.groups
        ]
        groups |= grouped(regrouped, measures, seed=seed)
    return Result(
        **{name: value for name, value in described.items() if name != "measures"},
        started=asking.started,
        status=asking.status,
        model=asking.model,
        n=len(items),
        statements=statements(items, measures, seed=seed),
        groups=groups,
        cost=reduce(add, (item.cost for item in items), Cost()),
        items=list(items),
        origin=asking.origin,
    )
