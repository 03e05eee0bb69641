"""The benchmarks on which budgets are compared, in two halves: one to develop on, one to report on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from limner.errors import InputError
from limner.evals.personamem import personamem
from limner.evals.prefeval import prefeval
from limner.evals.records import Benchmark, Question
from limner.evals.reviews import reviews
from limner.evals.running import stratified

__all__ = ["BudgetTask", "Half", "budget_tasks"]

Half = Literal["dev", "report"]
"""PrefEval: odd and even places of each topic. Reviews: customers by a hash of their id. PersonaMem: one persona in all, in `report` only."""


@dataclass(frozen=True)
class BudgetTask:
    """One benchmark and those of its questions that are asked."""

    name: str
    benchmark: Benchmark
    questions: Sequence[Question]
    rated: bool = False
    """Whether the options are grades on a scale, so that a near miss counts."""


def budget_tasks(
    *,
    prefeval_folder: str | None = None,
    personamem_file: str | None = None,
    reviews_file: str | None = None,
    half: Half = "report",
    limit: int | None = None,
    exchanges: int = 8,
    seed: int = 0,
) -> list[BudgetTask]:
    """Load the benchmarks whose data are given.

    Args:
        prefeval_folder: `benchmark_dataset` of PrefEval.
        personamem_file: `questions_32k.csv` of PersonaMem.
        reviews_file: A file of PGraphRAG's, such as `amazon_dev.json`.
        half: Which half of the questions.
        limit: Most questions of each benchmark.
        exchanges: PrefEval: exchanges between preference and question.
        seed: Of what is drawn, hidden and shuffled.

    Raises:
        DataError: A file is missing or malformed.
        InputError: No data are given, or there is no such half.
    """
    if half not in get_args(Half):
        raise InputError(f"The halves are {' and '.join(get_args(Half))}; not {half!r}.")
    found: list[BudgetTask] = []
    if prefeval_folder:
        loaded = prefeval(
            prefeval_folder, seed=seed, turns=exchanges, half="odd" if half == "dev" else "even"
        )
        found.append(BudgetTask("prefeval", loaded, stratified(loaded.questions, limit, seed)))
    if reviews_file:
        loaded = reviews(reviews_file, seed=seed, task="rating", method="letter")
        mine = [one for one in loaded.questions if _half_of(one.id) == half]
        found.append(BudgetTask("reviews", loaded, stratified(mine, limit, seed), rated=True))
    if personamem_file and half == "report":
        loaded = personamem(personamem_file, seed=seed, rotations=1, method="letter")
        found.append(BudgetTask("personamem", loaded, stratified(loaded.questions, limit, seed)))
    if not any(one.questions for one in found):
        raise InputError(
            "Nothing to ask: name the data of at least one of PrefEval, the reviews and PersonaMem (which is in the half `report` alone)."
        )
    return found


def _half_of(id: str) -> Half:
    return "dev" if hashlib.sha256(id.encode()).digest()[0] % 2 else "report"
