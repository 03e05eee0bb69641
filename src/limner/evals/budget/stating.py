"""What a comparison of budgets states: a point for each arm, and whether both at a quarter of the tokens hold up with retrieval."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from limner.evals.budget.arms import Arm
from limner.evals.budget.running import Asked, Cost
from limner.evals.resampling import Difference, bootstrap_mean, paired_bootstrap_mean
from limner.profiles.context import SUMMARY_SHARE

__all__ = ["BudgetReport", "Claim", "Point", "claims", "points"]

ALL = "all"
"""Every question of every task, each once."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Point(_Frozen):
    """One arm on one task."""

    task: str
    arm: str
    way: str
    budget: int
    share: float
    n: int
    quality: float
    low: float
    high: float
    """95 % interval of the quality (bootstrap over users)."""
    accuracy: float
    mae: float | None
    tokens: float
    """Mean of the prompt."""
    known_tokens: float
    """Mean of what the arm adds to the prompt of `none`."""
    whole: float
    """Share of prompts that show all the way would show; of `full`, those whose history fits."""


class Claim(_Frozen):
    """Both at a quarter of the budget, less retrieval alone at the whole of it, on the same questions."""

    task: str
    n: int
    both: int
    """Budget of both, in tokens."""
    retrieval: int
    """Budget of retrieval alone."""
    tokens: float
    """What both added to the prompt over what retrieval added: the share that was really used."""
    difference: float
    low: float
    high: float
    p: float
    margin: float
    """Stated before the run: by so much both may be worse and still count as good."""

    @property
    def holds(self) -> bool:
        """Whether both are at least as good, within the margin: the interval of the difference lies above it."""
        return self.low > -self.margin


class BudgetReport(_Frozen):
    """One run."""

    limner: str
    started: datetime
    model: str
    half: str
    seed: int
    limit: int | None
    exchanges: int
    budgets: tuple[int, ...]
    margin: float
    data: Mapping[str, str]
    """File name to SHA-256."""
    prompts: Mapping[str, str]
    points: list[Point]
    claims: list[Claim]
    cost: Mapping[str, Cost]
    asked: list[Asked] = Field(default_factory=list)
    origin: Path | None = None

    def summary(self) -> dict[str, Any]:
        """Return it as JSON without the single answers; each claim says whether it holds."""
        told = self.model_dump(mode="json", exclude={"asked"})
        for one, claim in zip(told["claims"], self.claims, strict=True):
            one["holds"] = claim.holds
        return told


def points(asked: Sequence[Asked], seed: int) -> list[Point]:
    """Return the point of every arm on every task."""
    alone = {(one.task, one.question): one.tokens for one in asked if one.way == "none"}
    found = []
    for (task, way, budget, share), own in _by_arm(asked).items():
        quality = np.array([one.quality for one in own])
        low, high = bootstrap_mean(quality, seed=seed, clusters=[one.cluster for one in own])
        errors = [abs(one.error) for one in own if one.error is not None]
        added = [one.tokens - alone.get((one.task, one.question), 0) for one in own]
        found.append(
            Point(
                task=task,
                arm=Arm(way, budget, share).name,  # type: ignore[arg-type]
                way=way,
                budget=budget,
                share=share,
                n=len(own),
                quality=float(quality.mean()),
                low=low,
                high=high,
                accuracy=float(np.mean([one.correct for one in own])),
                mae=float(np.mean(errors)) if errors else None,
                tokens=float(np.mean([one.tokens for one in own])),
                known_tokens=float(np.mean(added)),
                whole=float(np.mean([one.whole for one in own])),
            )
        )
    return found


def claims(asked: Sequence[Asked], margin: float, seed: int) -> list[Claim]:
    """Return the claim for each budget whose quarter was tried too, on each task and on all of them together."""
    budgets = {one.budget for one in asked if one.budget}
    wanted = [
        (budget // 4, budget) for budget in sorted(budgets) if budget % 4 == 0 and budget // 4 in budgets
    ]
    tasks = list(dict.fromkeys(one.task for one in asked))
    found = []
    for task in [*tasks, *([ALL] if len(tasks) > 1 else [])]:
        own = [one for one in asked if task in (one.task, ALL)]
        found += [_claim(task, own, quarter, budget, margin, seed) for quarter, budget in wanted]
    return found


def _claim(task: str, asked: Sequence[Asked], quarter: int, budget: int, margin: float, seed: int) -> Claim:
    both = {_id(one): one for one in asked if _is(one, "both", quarter)}
    alone = {_id(one): one for one in asked if _is(one, "retrieval", budget)}
    none = {_id(one): one.tokens for one in asked if one.way == "none"}
    shared = [id for id in both if id in alone]
    differences = np.array([both[id].quality - alone[id].quality for id in shared])
    clusters = [both[id].cluster for id in shared]
    told: Difference = paired_bootstrap_mean(differences, seed=seed, clusters=clusters)
    spent = sum(both[id].tokens - none.get(id, 0) for id in shared)
    whole = sum(alone[id].tokens - none.get(id, 0) for id in shared)
    return Claim(
        task=task,
        n=len(shared),
        both=quarter,
        retrieval=budget,
        tokens=spent / whole if whole else 1.0,
        difference=told.value,
        low=told.low,
        high=told.high,
        p=told.p,
        margin=margin,
    )


def _id(one: Asked) -> tuple[str, str]:
    return one.task, one.question


def _is(one: Asked, way: str, budget: int) -> bool:
    return one.way == way and one.budget == budget and one.share == SUMMARY_SHARE


def _by_arm(asked: Sequence[Asked]) -> dict[tuple[str, str, int, float], list[Asked]]:
    found: dict[tuple[str, str, int, float], list[Asked]] = defaultdict(list)
    for one in asked:
        found[one.task, one.way, one.budget, one.share].append(one)
    return found
