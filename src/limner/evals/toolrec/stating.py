"""What the answers add up to: figures with intervals, differences from the base, what this many users can show, and the reading."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from limner.evals.ranking.metrics import hit_rate, ndcg
from limner.evals.resampling import Floats, bootstrap_mean, paired_bootstrap_mean
from limner.evals.toolrec.cases import Case
from limner.evals.toolrec.rows import ROWS, K, Outcome, Reading
from limner.evals.toolrec.running import Kept
from limner.memory.records import Record
from limner.tools import Catalogue, Condition, Dataset, Filter

__all__ = ["Contrast", "ReadingFigures", "RowFigures", "ToolrecReport", "atoms", "stated"]

_POWER = 2.8
"""1.96 + 0.84: a true difference of so many standard errors is found in four of five such runs, two-sided at 5 %."""
_COMPARED = {
    "next": ("next/base",),
    "requests": ("requests/base", "requests/read"),
}


class Contrast(Record):
    """A row less another, on the users of both."""

    against: str
    users: int
    ndcg: float
    low: float | None
    high: float | None
    p: float | None
    smallest: float | None
    """The smallest true difference in NDCG that so many users show in four of five runs (two-sided, 5 %)."""
    hit_rate: float
    hit_low: float | None
    hit_high: float | None

    @property
    def clear(self) -> bool:
        """Whether the interval of the NDCG is clear of zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


class RowFigures(Record):
    """One row of the table; means over users."""

    row: str
    about: str
    users: int
    hit_rate: float
    """With one target a user this is the recall, too."""
    hit_interval: tuple[float | None, float | None]
    ndcg: float
    ndcg_interval: tuple[float | None, float | None]
    failures: int
    """They score zero."""
    invalid: int
    """Ids listed that no list may hold, over all users."""
    short: int
    """Users whose list has fewer than ten items."""
    calls: float
    computed_tokens: float
    output_tokens: float
    seconds: float
    contrasts: tuple[Contrast, ...] = ()


class ReadingFigures(Record):
    """How well the model read the requests."""

    requests: int
    exact: float
    """Share whose conditions hold for the very items that the true ones hold for."""
    kept: float
    """Share whose conditions hold for the target."""
    precision: float
    """Share of the conditions read that were asked for."""
    recall: float
    """Share of the conditions asked for that were read."""
    liked: float | None
    """Share of the examples ("like X") that were found."""
    failures: int
    empty: int
    """Requests whose conditions leave fewer than ten items of the catalogue."""


class ToolrecReport(Record):
    """What came out."""

    about: Mapping[str, Any]
    drawn: int
    """Users that are asked about."""
    wanted: int | None
    rows: tuple[RowFigures, ...]
    reading: ReadingFigures | None
    folder: str

    def summary(self) -> dict[str, Any]:
        """Return it as JSON."""
        return self.model_dump(mode="json")


def stated(
    about: Mapping[str, Any],
    rows: Sequence[str],
    cases: Sequence[Case],
    kept: Kept,
    dataset: Dataset,
    wanted: int | None = None,
) -> ToolrecReport:
    """State every row of which something is kept."""
    users = [case.user for case in cases]
    seed = int(about["seed"])
    found = []
    for row in (row for row in ROWS if row in rows):
        own = {user: kept.outcomes[user, row] for user in users if (user, row) in kept.outcomes}
        if own:
            found.append(_figures(row, own, kept, seed))
    readings = [(case, kept.readings[case.user]) for case in cases if case.user in kept.readings]
    return ToolrecReport(
        about=dict(about),
        drawn=len(cases),
        wanted=wanted,
        rows=tuple(found),
        reading=_reading(readings, dataset.catalogue) if readings else None,
        folder=str(kept.folder),
    )


def _figures(row: str, own: Mapping[str, Outcome], kept: Kept, seed: int) -> RowFigures:
    outcomes = list(own.values())
    ranks = _ranks(outcomes)
    hits, gains = hit_rate(ranks, K), ndcg(ranks, K)
    against = [other for other in _COMPARED[row.partition("/")[0]] if other != row]
    return RowFigures(
        row=row,
        about=ROWS[row],
        users=len(outcomes),
        hit_rate=float(hits.mean()),
        hit_interval=_interval(hits, seed),
        ndcg=float(gains.mean()),
        ndcg_interval=_interval(gains, seed),
        failures=sum(one.failed is not None for one in outcomes),
        invalid=sum(one.invalid for one in outcomes),
        short=sum(len(one.listed) < K for one in outcomes),
        calls=_mean([one.cost.calls for one in outcomes]),
        computed_tokens=_mean([one.cost.computed_tokens for one in outcomes]),
        output_tokens=_mean([one.cost.output_tokens for one in outcomes]),
        seconds=_mean([one.cost.seconds for one in outcomes]),
        contrasts=tuple(c for other in against if (c := _contrast(own, other, kept, seed)) is not None),
    )


def _contrast(own: Mapping[str, Outcome], other: str, kept: Kept, seed: int) -> Contrast | None:
    both = [user for user in own if (user, other) in kept.outcomes]
    if not both:
        return None
    mine = _ranks([own[user] for user in both])
    theirs = _ranks([kept.outcomes[user, other] for user in both])
    gained = paired_bootstrap_mean(ndcg(mine, K) - ndcg(theirs, K), seed=seed)
    hit = paired_bootstrap_mean(hit_rate(mine, K) - hit_rate(theirs, K), seed=seed)
    return Contrast(
        against=other,
        users=len(both),
        ndcg=gained.value,
        low=_finite(gained.low),
        high=_finite(gained.high),
        p=_finite(gained.p),
        smallest=_finite(_POWER * gained.error),
        hit_rate=hit.value,
        hit_low=_finite(hit.low),
        hit_high=_finite(hit.high),
    )


def _ranks(outcomes: Sequence[Outcome]) -> Floats:
    return np.array([np.inf if one.rank is None else float(one.rank) for one in outcomes])


def _interval(values: Floats, seed: int) -> tuple[float | None, float | None]:
    low, high = bootstrap_mean(values, seed=seed)
    return _finite(low), _finite(high)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _reading(readings: Sequence[tuple[Case, Reading]], catalogue: Catalogue) -> ReadingFigures:
    exact = kept = empty = 0
    right = read = asked = 0
    named: list[bool] = []
    for case, one in readings:
        found, true = Filter.parse(one.read), Filter.parse(one.true)
        holds = catalogue.mask(found)
        exact += bool((holds == catalogue.mask(true)).all()) and one.failed is None
        kept += bool(holds[catalogue.position(case.target)]) and one.failed is None
        empty += int(holds.sum()) < K
        mine, theirs = atoms(found), atoms(true)
        right, read, asked = right + len(mine & theirs), read + len(mine), asked + len(theirs)
        if one.like_true is not None:
            named.append(one.like_true in one.like)
    n = len(readings)
    return ReadingFigures(
        requests=n,
        exact=exact / n,
        kept=kept / n,
        precision=right / read if read else 0.0,
        recall=right / asked if asked else 0.0,
        liked=_mean(named) if named else None,
        failures=sum(one.failed is not None for _, one in readings),
        empty=empty,
    )


def atoms(where: Filter) -> set[tuple[str, str, object]]:
    """Return the conditions of a filter one by one, written alike where they mean the same: `< 1990` as `<= 1989`."""
    return {atom for condition in where.conditions for atom in _atoms(condition)}


def _atoms(condition: Condition) -> list[tuple[str, str, object]]:
    name, op, values = condition.attribute, condition.op, condition.values
    if op == "between":
        return [(name, ">=", values[0]), (name, "<=", values[1])]
    if op in {"<", ">"}:
        number = float(values[0])
        return [(name, f"{op}=", number - 1 if op == "<" else number + 1)]
    return [(name, op, value) for value in values]
