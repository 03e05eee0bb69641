"""A whole comparison: every arm under every seed, each run kept as soon as it is there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from limner.agents.fusion import Vote
from limner.agents.history import FeedbackWeights, History
from limner.agents.simulators.calibration import Calibration
from limner.agents.simulators.habits import Habits
from limner.agents.simulators.pages import Browsing, Manners
from limner.agents.simulators.population import Population
from limner.agents.simulators.ratings import Ratings
from limner.agents.simulators.tastes import Tastes
from limner.errors import InputError
from limner.evals.closed_loop.arms import Arm
from limner.evals.closed_loop.measures import ABOUT, Yardstick
from limner.evals.closed_loop.rounds import Loop, Start, looped
from limner.evals.closed_loop.stating import Run, differences, rows
from limner.evals.closed_loop.validation import validated
from limner.evals.ranking.keeping import Record, code_version, data_version
from limner.plugins import FAULTS
from limner.tools import Dataset

__all__ = ["compared"]

_CODE: tuple[Callable[..., object], ...] = (
    Ratings,
    Tastes,
    Habits,
    Calibration,
    Population,
    Browsing,
    Arm,
    Yardstick,
    Loop,
    History,
    Vote,
)


def compared(
    dataset: Dataset,
    arms: Sequence[Arm],
    *,
    users: int | None = None,
    rounds: int = 10,
    repeats: int = 5,
    seed: int = 0,
    manners: Manners | None = None,
    record: Record | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Compare recommenders in a closed loop with a population made from a data set.

    The population and what its users think are the same in all runs; a seed decides who of them browses, every draw while they do, and the
    recommenders' own chance. An arm that cannot be run has a row that says why in `failed`, and the others go on.

    Args:
        dataset: With ratings; the recommenders are given the earlier half of everybody's.
        arms: What is compared.
        users: How many of its users browse, drawn by the seed; all if not given.
        rounds: Of recommending, browsing and fitting.
        repeats: Runs of each arm, with the seeds from `seed` on.
        seed: Also that of the population.
        manners: How users browse; the defaults if not given.
        record: Where runs are kept; what is in it and still holds is not run again.
        progress: Told what is begun.

    Returns:
        JSON-able: `dataset`, `data` (hash), `version`, `users`, `rounds`, `repeats`, `seed`, `manners`, `measures` (what each figure is), `validation`
        (`validation.validated`), `arms` (`stating.rows`) and `differences` (`stating.differences`).

    Raises:
        InputError: The data has no ratings, or too few; or rounds, repeats or users are less than 1.
    """
    from limner import __version__

    if min(rounds, repeats) < 1 or (users is not None and users < 2):
        raise InputError("It takes at least one round, one repeat and two users.")
    manners = manners or Manners()
    progress("making the population ...")
    population = Population.of(dataset.interactions, dataset.catalogue, seed=seed)
    about: dict[str, object] = {"data": data_version(dataset), "population": seed, "version": __version__}
    checked = _kept_or_validated(dataset, manners, seed, about, record)
    start = Start.of(dataset, population)
    told: list[dict[str, Any]] = []
    found: dict[str, dict[int, Run]] = {}
    for arm in arms:
        runs: dict[int, Run] = {}
        try:
            for one in range(seed, seed + repeats):
                loop = Loop(arm, population.drawn(users, one), rounds, one, manners)
                runs[one] = _kept_or_run(loop, dataset, population, start, about, record, progress)
        except FAULTS as error:
            told.append({"name": arm.name, "failed": f"{type(error).__name__}: {error}"})
            continue
        found[arm.name] = runs
        told.append(rows(arm, list(runs.values())))
    return {
        "dataset": dataset.name,
        "data": about["data"],
        "version": __version__,
        "users": len(population.drawn(users, seed)),
        "rounds": rounds,
        "repeats": repeats,
        "seed": seed,
        "manners": asdict(manners),
        "measures": dict(ABOUT),
        "validation": checked,
        "arms": told,
        "differences": differences(arms, found),
    }


def _kept_or_validated(
    dataset: Dataset, manners: Manners, seed: int, about: Mapping[str, object], record: Record | None
) -> dict[str, Any]:
    key = {**about, "validated": True, "manners": asdict(manners), "code": _code(validated)}
    kept = record.find(key) if record is not None else None
    if kept is not None:
        told: dict[str, Any] = kept["figures"]
        return told
    found = validated(dataset, manners=manners, seed=seed)
    if record is not None:
        record.add(key | {"figures": found})
    return found


def _kept_or_run(
    loop: Loop,
    dataset: Dataset,
    population: Population,
    start: Start,
    about: Mapping[str, object],
    record: Record | None,
    progress: Callable[[str], None],
) -> Run:
    key = {
        **about,
        "arm": loop.arm.name,
        "users": len(loop.users),
        "rounds": loop.rounds,
        "seed": loop.seed,
        "manners": asdict(loop.manners),
        "weights": _weights(loop.weights),
        "code": _code(loop.arm.kind(), looped),
    }
    kept = record.find(key) if record is not None else None
    if kept is not None:
        run: Run = kept["figures"]
        return run
    progress(f"{loop.arm.name}, seed {loop.seed} ...")
    figures = looped(loop, dataset, population, start)
    if record is not None:
        record.add(key | {"figures": figures})
    return figures


def _code(*more: Callable[..., Any]) -> str:
    """Return what tells whether any code that a figure hangs on has changed."""
    return "-".join(code_version(one)[:4] for one in (*_CODE, *more))


def _weights(weights: FeedbackWeights) -> dict[str, object]:
    return {name: str(value) for name, value in asdict(weights).items()}
