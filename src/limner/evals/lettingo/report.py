"""From the scores of profiles to means and differences over users, with bootstrap intervals."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from limner.evals.resampling import bootstrap_mean, paired_bootstrap_mean
from limner.memory.records import Record
from limner.profiles.lettingo.evaluate import Score

__all__ = ["Compared", "Measured", "Report", "in_markdown", "reported"]

REFERENCES = ("nothing", "recent", "history")


class Measured(Record):
    """One way of knowing the users, under one judge: means over users of the means over each one's profiles."""

    judge: str
    name: str
    """A generator, or a reference: `nothing`, `recent` (no profile), `history` (the raw one)."""
    users: int
    profiles: int
    failed: int
    loss: float
    """Log-loss, in nats."""
    low: float | None
    high: float | None
    auc: float
    auc_low: float | None
    auc_high: float | None


class Compared(Record):
    """The difference between two of them in log-loss, over the users of both: below 0 the first is the better."""

    judge: str
    first: str
    second: str
    users: int
    difference: float
    low: float | None
    high: float | None
    p: float | None


class Report(Record):
    """What came out."""

    measured: tuple[Measured, ...]
    compared: tuple[Compared, ...]
    notes: Mapping[str, Any] = {}


def reported(scores: Sequence[Score], *, pairs: Sequence[tuple[str, str]] = (), seed: int = 0) -> Report:
    """State every generator and reference, and compare.

    Each generator is compared with no profile (`recent`) and with the raw history; `pairs` adds further comparisons. Users are
    resampled, never profiles: those of one user are not independent.

    Args:
        scores: Of users that nothing was fitted to.
        pairs: Names to compare besides, such as an aligned generator and its base.
        seed: Of the resamples.
    """
    measured: list[Measured] = []
    compared: list[Compared] = []
    for judge in sorted({score.judge for score in scores}):
        own = [score for score in scores if score.judge == judge]
        losses = _by_user(own, lambda score: score.loss)
        aucs = _by_user(own, lambda score: score.auc)
        names = [name for name in REFERENCES if name in losses]
        generators = sorted(name for name in losses if name not in REFERENCES)
        for name in [*names, *generators]:
            of_it = [score for score in own if _name(score) == name]
            measured.append(_measured(judge, name, of_it, losses[name], aucs[name], seed))
        wanted: list[tuple[str, str]] = [
            (one, other) for one in generators for other in ("recent", "history") if other in losses
        ]
        wanted += [pair for pair in pairs if pair[0] in losses and pair[1] in losses]
        compared += [_compared(judge, *pair, losses, seed) for pair in wanted]
    return Report(measured=tuple(measured), compared=tuple(compared))


def in_markdown(report: Report) -> str:
    """Return a report as two tables."""
    lines = ["| judge | what it knows of the user | log-loss | 95 % | AUC | users | profiles | failed |"]
    lines += ["| --- | --- | ---: | --- | ---: | ---: | ---: | ---: |"]
    lines += [
        f"| {m.judge} | {m.name} | {m.loss:.4f} | {_interval(m.low, m.high)} | {m.auc:.3f} | {m.users} | {m.profiles} | {m.failed} |"
        for m in report.measured
    ]
    lines += ["", "| judge | first | second | difference in log-loss | 95 % | p | users |"]
    lines += ["| --- | --- | --- | ---: | --- | ---: | ---: |"]
    lines += [
        f"| {c.judge} | {c.first} | {c.second} | {c.difference:+.4f} | {_interval(c.low, c.high)} | "
        f"{'' if c.p is None else f'{c.p:.3f}'} | {c.users} |"
        for c in report.compared
    ]
    return "\n".join(lines)


def _name(score: Score) -> str:
    return score.generator if score.view == "profile" else score.view


def _by_user(scores: Sequence[Score], value: Callable[[Score], float]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, list[float]]] = {}
    for score in scores:
        found.setdefault(_name(score), {}).setdefault(score.user, []).append(value(score))
    return {
        name: {user: float(np.mean(values)) for user, values in sorted(users.items())}
        for name, users in found.items()
    }


def _measured(
    judge: str,
    name: str,
    scores: Sequence[Score],
    losses: Mapping[str, float],
    aucs: Mapping[str, float],
    seed: int,
) -> Measured:
    low, high = bootstrap_mean(np.array([*losses.values()]), seed=seed)
    auc_low, auc_high = bootstrap_mean(np.array([*aucs.values()]), seed=seed)
    return Measured(
        judge=judge,
        name=name,
        users=len(losses),
        profiles=len(scores) if name not in REFERENCES else 0,
        failed=sum(score.failed for score in scores),
        loss=float(np.mean([*losses.values()])),
        low=_known(low),
        high=_known(high),
        auc=float(np.mean([*aucs.values()])),
        auc_low=_known(auc_low),
        auc_high=_known(auc_high),
    )


def _compared(
    judge: str, first: str, second: str, losses: Mapping[str, Mapping[str, float]], seed: int
) -> Compared:
    users = sorted(losses[first].keys() & losses[second].keys())
    found = paired_bootstrap_mean(
        np.array([losses[first][user] - losses[second][user] for user in users]), seed=seed
    )
    return Compared(
        judge=judge,
        first=first,
        second=second,
        users=len(users),
        difference=found.value,
        low=_known(found.low),
        high=_known(found.high),
        p=_known(found.p),
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _interval(low: float | None, high: float | None) -> str:
    return (
        ""
        if low is None or high is None
        else f"{low:+.4f} to {high:+.4f}"
        if low < 0
        else f"{low:.4f} to {high:.4f}"
    )
