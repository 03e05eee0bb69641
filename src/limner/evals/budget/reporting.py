"""A whole run: load, say what it takes, ask, state, and write down."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from limner import __version__
from limner.errors import InputError
from limner.evals.budget.arms import arms
from limner.evals.budget.drawing import drawn
from limner.evals.budget.running import Asked, Cost, foretold, run
from limner.evals.budget.stating import BudgetReport, claims, points
from limner.evals.budget.tasks import BudgetTask, Half
from limner.evals.engine import opened_memory, shared_model
from limner.evals.memories.limner import LimnerMemory
from limner.evals.sources import file_hash
from limner.inference import load_prompt
from limner.profiles.context import SUMMARY_SHARE
from limner.settings import Settings

__all__ = ["kept_in", "reported", "written"]

_DRAWING = ("profiles/recur", "profiles/carry", "profiles/recur_all")


async def reported(
    tasks: Sequence[BudgetTask],
    *,
    budgets: Sequence[int],
    shares: Sequence[float] = (SUMMARY_SHARE,),
    half: Half,
    limit: int | None,
    exchanges: int,
    margin: float,
    seed: int,
    settings: Settings,
    tell: Callable[[str], None] = lambda line: None,
    keep: Callable[[Sequence[Asked]], None] = lambda asked: None,
) -> BudgetReport:
    """Run every arm on every task.

    Args:
        tasks: What is asked.
        budgets: Tokens of what is known that a prompt may show.
        shares: Of the budget, that the summary may take in `both`.
        half: Of the questions; told with the result.
        limit: Told with the result.
        exchanges: Told with the result.
        margin: By how much both may be worse than retrieval alone and still count as good.
        seed: Of the draws.
        settings: Model, encoder and cache.
        tell: Told what the run will take, and of each question done.
        keep: Given the answers to each question as soon as they are complete.

    Raises:
        InputError: A budget, a share or the margin is out of range.
        ModelError: The model failed; what was answered is kept, and the same command goes on from there.
    """
    if not budgets or min(budgets) < 1:
        raise InputError("A budget is a number of tokens from 1 on.")
    if not all(0 <= share <= 1 for share in shares):
        raise InputError("A share lies between 0 and 1.")
    if not 0 <= margin < 1:
        raise InputError("The margin lies between 0 and 1.")
    started = datetime.now(UTC)
    tried = arms(sorted(set(budgets)), tuple(dict.fromkeys((SUMMARY_SHARE, *shares))))
    for line in foretold(tasks, tried):
        tell(line)
    model = shared_model(settings)
    memory = cast(LimnerMemory, opened_memory("limner:observations", settings))
    asked: list[Asked] = []
    cost: dict[str, Cost] = {}
    for task in tasks:
        found, cost[task.name] = await run(task, tried, model, memory, tell, keep)
        asked += found
    names = [*_DRAWING, *(name for task in tasks for name in task.benchmark.prompts)]
    return BudgetReport(
        limner=__version__,
        started=started,
        model=model.name,
        half=half,
        seed=seed,
        limit=limit,
        exchanges=exchanges,
        budgets=tuple(sorted(set(budgets))),
        margin=margin,
        data={f"{p.parent.name}/{p.name}": file_hash(p) for task in tasks for p in task.benchmark.files},
        prompts={name: load_prompt(name, settings.prompts).hash for name in names},
        points=points(asked, seed),
        claims=claims(asked, margin, seed),
        cost=cost,
        asked=asked,
    )


def kept_in(folder: Path) -> Callable[[Sequence[Asked]], None]:
    """Return what appends answers to `answers.jsonl` in a folder, so that a run that is cut off leaves what it had.

    Raises:
        InputError: The folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror or error}.") from error

    def keep(asked: Sequence[Asked]) -> None:
        with (folder / "answers.jsonl").open("a", encoding="utf-8") as file:
            file.write("".join(f"{one.model_dump_json()}\n" for one in asked))

    return keep


def written(report: BudgetReport, folder: Path) -> list[Path]:
    """Write the figures and the plot into a folder, and return the files.

    Raises:
        ImportError: matplotlib is not installed; the figures are there.
        InputError: The folder cannot be written to.
    """
    figures = folder / "budget.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / ".budget.json.part"
        part.write_text(report.model_dump_json(indent=1) + "\n", "utf-8")
        part.replace(figures)
    except OSError as error:
        raise InputError(f"The figures cannot be written to {folder}: {error.strerror or error}.") from error
    return [figures, drawn(report, folder / "budget.png")]
