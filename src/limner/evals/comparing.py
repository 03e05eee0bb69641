"""Whether one run did better than another on the questions that both answered."""

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict
from scipy.special import ndtri

from limner.errors import InputError
from limner.evals.measures import MEASURES, Measure
from limner.evals.resampling import Difference, members_of
from limner.evals.results import Item, Result
from limner.evals.statistics import (
    applicable,
    independent,
    item_values,
    paired_bootstrap,
    paired_bootstrap_mean,
    paired_proportions,
    zero_or_one,
)

__all__ = ["Comparison", "Side", "compare", "in_words"]

Test = Literal["mcnemar", "paired bootstrap", "paired cluster bootstrap"]

_FEW_CLUSTERS = 20
_POWER = 0.8
_LEVEL = 0.95
_COMPUTED = 1000


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Side(_Frozen):
    """One of the two runs."""

    memory: str
    k: int | None
    model: str
    value: float | None
    """The measure over the common items alone, which is not what the run states over all of its own."""
    left_out: int
    """Questions that the measure counts in this run and not in the other."""


class Comparison(_Frozen):
    """How two runs of one task differ, `a` less `b`."""

    task: str
    measure: str
    better: str
    """Whether `higher` or `lower` values are."""
    n: int
    """Questions that both answered."""
    clusters: int
    """Users, or whatever the task resamples; as many as questions where each stands for itself."""
    a: Side
    b: Side
    difference: float | None
    low: float | None = None
    high: float | None = None
    """The 95 % interval of the difference; none where there are fewer than two clusters."""
    p: float | None = None
    """Two-sided."""
    test: Test
    """What made the interval and p: `limner.evals.statistics` says how."""
    only_a: int | None = None
    only_b: int | None = None
    """Questions that one got right and the other wrong; none for measures that are not of right and wrong."""
    detectable: float | None = None
    """The true difference that a comparison of this size finds four times in five at the 5 % level."""
    notes: tuple[str, ...] = ()
    """What else differs between the runs, and reasons for care."""

    @property
    def winner(self) -> Literal["a", "b"] | None:
        """Which is better at the 5 % level; none where chance would do."""
        if self.p is None or self.difference is None or self.p > 1 - _LEVEL or self.difference == 0:
            return None
        return "a" if (self.difference > 0) == (self.better == "higher") else "b"


def compare(
    a: Result, b: Result, measure: str | None = None, *, force: bool = False, seed: int = 0
) -> Comparison:
    """Compare two runs of one task on the questions that both answered, matched by id.

    Where every item is right or wrong and stands for itself, by McNemar's exact test; else by resampling and swapping, whole
    clusters at a time (`paired_bootstrap`).

    Args:
        a: One run, with its items.
        b: The other.
        measure: By which; the first that `a` states where none is named.
        force: Compare runs on different data all the same, or of different tasks; the result notes it.
        seed: Of the resampling.

    Raises:
        InputError: The runs are of different tasks or on different data; no measure of this name; an id occurs twice in a
            run; the measure counts no question in both.
    """
    different = [*_different_task(a, b), *_different_data(a, b)]
    if different and not force:
        raise InputError(f"These runs cannot be compared: {'; '.join(different)}.")
    by = _measure(a, measure)
    first, second = _by_id(a, by), _by_id(b, by)
    common = [one for one in first if one in second]
    if not common:
        raise InputError(f"There is no question that {by.name} counts in both runs.")
    pairs = [(first[one], second[one]) for one in common]
    clusters = [one.cluster for one, _ in pairs]
    difference, test, only = _difference(pairs, by, seed)
    units = len(members_of(clusters, len(pairs)))
    return Comparison(
        task=a.task,
        measure=by.name,
        better=by.better,
        n=len(common),
        clusters=units,
        a=_side(a, [one for one, _ in pairs], len(first), by),
        b=_side(b, [other for _, other in pairs], len(second), by),
        difference=_known(difference.value),
        low=_known(difference.low),
        high=_known(difference.high),
        p=_known(difference.p),
        test=test,
        only_a=only[0] if only else None,
        only_b=only[1] if only else None,
        detectable=_detectable(difference.error),
        notes=(*different, *_cautions(a, b, units)),
    )


def in_words(comparison: Comparison) -> str:
    """Return a comparison as a few lines for a terminal."""
    one, other = comparison.a, comparison.b
    names = [_name(side) for side in (one, other)]
    width = max(len(name) for name in names)
    lines = [
        f"{comparison.task}, {comparison.measure} ({comparison.better} is better), "
        f"{comparison.n} questions answered by both" + _of_clusters(comparison),
        *(
            f"  {letter}  {name:<{width}}  {_number(side.value)}" + _left_out(side)
            for letter, name, side in zip("ab", names, (one, other), strict=True)
        ),
        f"  a - b = {_number(comparison.difference, '+')}{_doubt(comparison)}",
    ]
    if comparison.only_a is not None:
        lines.append(f"  only a right: {comparison.only_a}, only b right: {comparison.only_b}")
    lines.append(f"  {_verdict(comparison)}")
    if comparison.detectable is not None:
        lines.append(
            f"  A comparison of this size finds a true difference of {_number(comparison.detectable)} "
            "four times in five."
        )
    lines.extend(f"  Note: {note}." for note in comparison.notes)
    return "\n".join(lines)


def _different_task(a: Result, b: Result) -> list[str]:
    return [] if a.task == b.task else [f"different tasks, {a.task} and {b.task}"]


def _different_data(a: Result, b: Result) -> list[str]:
    if sorted(a.data.values()) == sorted(b.data.values()):
        return []  # the same files under whatever names
    missing = "not read"
    return [
        f"different data, {name}: {a.data.get(name, missing)[:12]} and {b.data.get(name, missing)[:12]}"
        for name in sorted({*a.data, *b.data})
        if a.data.get(name) != b.data.get(name)
    ]


def _measure(result: Result, name: str | None) -> Measure:
    stated = [statement.measure for statement in result.statements]
    if name is None:
        if not stated:
            raise InputError("The run states no measure, and none was named to compare by.")
        name = stated[0]
    if name not in MEASURES:
        raise InputError(f"There is no measure {name!r}. The run states {', '.join(stated) or 'none'}.")
    return MEASURES[name]


def _by_id(result: Result, measure: Measure) -> dict[str, Item]:
    counted: dict[str, Item] = {}
    for item in applicable(result.items, measure):
        if item.id in counted:
            raise InputError(f"The question {item.id!r} occurs twice in a run of {result.task}.")
        counted[item.id] = item
    return counted


def _difference(
    pairs: Sequence[tuple[Item, Item]], measure: Measure, seed: int
) -> tuple[Difference, Test, tuple[int, int] | None]:
    clusters = [one.cluster for one, _ in pairs]
    alone = independent(clusters)
    first = item_values([one for one, _ in pairs], measure)
    second = item_values([other for _, other in pairs], measure)
    test: Test = "paired bootstrap" if alone else "paired cluster bootstrap"
    if first is None or second is None:
        drawn = paired_bootstrap(pairs, measure.compute, resamples=_COMPUTED, seed=seed, clusters=clusters)
        return drawn, test, None
    if not (measure.binary and zero_or_one(first) and zero_or_one(second)):
        return paired_bootstrap_mean(first - second, seed=seed, clusters=clusters), test, None
    only = int((first > second).sum()), int((first < second).sum())
    if alone:
        return paired_proportions(*only, len(pairs)), "mcnemar", only
    return paired_bootstrap_mean(first - second, seed=seed, clusters=clusters), test, only


def _side(result: Result, common: Sequence[Item], counted: int, measure: Measure) -> Side:
    return Side(
        memory=result.memory,
        k=result.k,
        model=result.model,
        value=_known(measure.compute(common)),
        left_out=counted - len(common),
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _detectable(error: float) -> float | None:
    """Return the difference that lies so many standard errors from none that 80 % of its estimates are significant."""
    if not math.isfinite(error) or error == 0:
        return None
    return float(ndtri((1 + _LEVEL) / 2) + ndtri(_POWER)) * error


def _cautions(a: Result, b: Result, clusters: int) -> list[str]:
    notes = []
    if clusters < 2:
        notes.append("all questions are one user's, which tells nothing about the next user")
    elif clusters < _FEW_CLUSTERS:
        notes.append(f"only {clusters} independent users or items: the interval is too narrow, trust p more")
    for name, result in (("a", a), ("b", b)):
        if result.status != "success":
            notes.append(f"run {name} did not end well: {result.status}")
    if a.seed != b.seed:
        notes.append(f"different seeds, {a.seed} and {b.seed}")
    notes.extend(_other_settings(a, b))
    return notes


def _other_settings(a: Result, b: Result) -> list[str]:
    notes = [
        f"different {name}, {a.parameters.get(name)} and {b.parameters.get(name)}"
        for name in sorted({*a.parameters, *b.parameters})
        if a.parameters.get(name) != b.parameters.get(name)
    ]
    changed = [
        name for name in sorted({*a.prompts, *b.prompts}) if a.prompts.get(name) != b.prompts.get(name)
    ]
    if changed:
        notes.append(f"different prompts, {', '.join(changed)}")
    return notes


def _name(side: Side) -> str:
    return ", ".join([side.memory, *([] if side.k is None else [f"k = {side.k}"]), side.model])


def _number(value: float | None, sign: str = "") -> str:
    return "unknown" if value is None else f"{value:{sign}.4f}"


def _of_clusters(comparison: Comparison) -> str:
    return f", of {comparison.clusters} users" if comparison.clusters < comparison.n else ""


def _left_out(side: Side) -> str:
    return f"  ({side.left_out} more not in the other run)" if side.left_out else ""


def _doubt(comparison: Comparison) -> str:
    if comparison.p is None:
        return ""
    p = "p < 0.001" if comparison.p < 0.001 else f"p = {comparison.p:.3f}"
    return f"  (95 % interval {_number(comparison.low, '+')} to {_number(comparison.high, '+')}, {p}, {comparison.test})"


def _verdict(comparison: Comparison) -> str:
    if comparison.p is None:
        return "No test is possible."
    if comparison.winner is None:
        return "No difference is shown at the 5 % level; that does not show that there is none."
    return f"{comparison.winner} is better at the 5 % level."
