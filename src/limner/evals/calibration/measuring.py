"""Before and after: maps fitted on the claims about one half of the people, measured on those about the other."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from limner import __version__
from limner.errors import InputError
from limner.evals.calibration.claims import Claim, Sample
from limner.evals.calibration.fitting import Choice, chosen_map
from limner.evals.calibration.intervals import Resampled, interval
from limner.evals.calibration.measures import (
    Bin,
    brier,
    calibration_error,
    discrimination,
    gain,
    log_loss,
    reliability,
)
from limner.evals.resampling import Floats
from limner.profiles.propositions.recalibration import KINDS, ConfidenceMap, ConfidenceMaps, Kind, Provenance

__all__ = ["Calibration", "Coverage", "Figure", "Group", "SafeFormula", "calibration"]

_FEW_PEOPLE = 20
"""People below which the claims are halved, not the people: with three people a half is one person's character."""
_KNOWN = 10
"""People of the fitting half of whom a topic must be known for its own rate to be the base."""
_WIDELY = 30
"""People of the fitting half of whom something must be known to be told of everybody."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure before and after, lower being better, with 95 % intervals over people."""

    name: str
    before: float
    after: float
    before_interval: tuple[float, float]
    after_interval: tuple[float, float]
    change_interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Group:
    """The claims of one kind, in the half that was tested on."""

    name: str
    n: int
    users: int
    held: float
    """Share that held."""
    stated: float
    """Mean probability before."""
    mapped: float
    """And after."""
    expected: float | None
    """Share that the held-out samples would have shown, had the probabilities before been right; none where they are not samples."""
    noiseless: float | None
    """Share of true claims that, with the noise of the samples, makes the share that held; none where that is not known."""
    figures: tuple[Figure, ...]
    discrimination: float
    gain_before: float
    """Bits a claim over how often the same holds of anybody."""
    gain_after: float
    bins_before: tuple[Bin, ...]
    bins_after: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much the claims say; safe formulas say little, of everybody the same."""

    claims: int
    judged: int
    users: int
    users_with_claims: int
    covered: int
    coverable: int
    topics: int
    effective_topics: float
    """As many equally frequent topics would be as mixed: two to the entropy."""


@dataclass(frozen=True, slots=True)
class SafeFormula:
    """What would be had by saying one thing of everybody: the claim that holds of most people."""

    topic: str
    users: int
    held: float
    brier: float
    calibration_error: float


@dataclass(frozen=True)
class Calibration:
    """What a sample of claims came to."""

    source: str
    seed: int
    halved: str
    fitted_on: int
    tested_on: int
    groups: tuple[Group, ...]
    choices: Mapping[Kind, Choice]
    maps: ConfidenceMaps
    coverage: Coverage
    safe: SafeFormula | None
    data: Mapping[str, str]
    counted: Mapping[str, int]
    model: str


def calibration(sample: Sample, *, seed: int = 0) -> Calibration:
    """Fit a map for each kind of claim on one half, and measure on the other before and after.

    Args:
        sample: Claims, judged as far as they could be.
        seed: Of the halves, the folds within the fitting half, and the resamples.

    Raises:
        InputError: No claim could be judged, or all that could be are in one half.
    """
    claims = sample.judged
    if not claims:
        raise InputError(
            f"None of the {len(sample.claims)} claims could be judged, so there is nothing to measure."
        )
    fitting, halved = _halves(sample, claims, seed)
    first = [claim for claim, mine in zip(claims, fitting, strict=True) if mine]
    second = [claim for claim, mine in zip(claims, fitting, strict=True) if not mine]
    if not first or not second:
        raise InputError(
            f"{len(claims)} claims could be judged, too few to fit on one half and test on the other."
        )
    known = {claim.user for claim in first} | (set(sample.users) - {claim.user for claim in second})
    kinds = [kind for kind in KINDS if any(claim.kind == kind for claim in claims)]
    choices = {kind: _choice([c for c in first if c.kind == kind], seed) for kind in kinds}
    maps = {kind: _with_provenance(sample, choices[kind].map, first, kind, halved, seed) for kind in kinds}
    base = _Base(sample, first, known if halved.startswith("people") else set(sample.users))
    mapped = ConfidenceMaps(kinds=maps)
    told = [kind for kind in kinds if any(claim.kind == kind for claim in second)]
    groups = [_group(kind, [c for c in second if c.kind == kind], mapped, base, seed) for kind in told]
    if len(kinds) > 1:
        groups.append(_group("all", second, mapped, base, seed))
    tested = {user for user in sample.users if user not in known}
    return Calibration(
        source=sample.source,
        seed=seed,
        halved=halved,
        fitted_on=len(first),
        tested_on=len(second),
        groups=tuple(groups),
        choices=choices,
        maps=mapped,
        coverage=_coverage(sample),
        safe=base.safe_formula(tested),
        data=sample.data,
        counted=sample.counted,
        model=sample.model,
    )


def _halves(sample: Sample, claims: Sequence[Claim], seed: int) -> tuple[NDArray[np.bool_], str]:
    rng = np.random.default_rng(seed)
    users = sorted(set(sample.users))
    if len(users) >= _FEW_PEOPLE:
        half = {users[place] for place in rng.permutation(len(users))[: len(users) // 2]}
        return np.array([claim.user in half for claim in claims], dtype=np.bool_), "people, at random"
    drawn = np.zeros(len(claims), dtype=np.bool_)
    drawn[rng.permutation(len(claims))[: len(claims) // 2]] = True
    return drawn, f"claims, at random, as there are only {len(users)} people"


def _choice(claims: Sequence[Claim], seed: int) -> Choice:
    return chosen_map(_stated(claims), _held(claims), [claim.user for claim in claims], seed=seed)


def _with_provenance(
    sample: Sample, map_: ConfidenceMap, first: Sequence[Claim], kind: Kind, halved: str, seed: int
) -> ConfidenceMap:
    own = [claim for claim in first if claim.kind == kind]
    hashes = ", ".join(f"{name} {digest[:12]}" for name, digest in sample.data.items())
    fitted = Provenance(
        data=f"{sample.source} ({hashes})" if hashes else sample.source,
        half=f"the first half of the {halved}",
        seed=seed,
        fitted_on=f"{datetime.now(UTC):%Y-%m-%d}",
        claims=len(own),
        users=len({claim.user for claim in own}),
        limner=__version__,
    )
    return map_.model_copy(update={"fitted": fitted})


def _stated(claims: Sequence[Claim]) -> Floats:
    return np.array([claim.probability for claim in claims], dtype=np.float64)


def _held(claims: Sequence[Claim]) -> Floats:
    return np.array([claim.held for claim in claims], dtype=np.float64)


def _group(name: str, claims: Sequence[Claim], maps: ConfidenceMaps, base: "_Base", seed: int) -> Group:
    before, held = _stated(claims), _held(claims)
    after = np.array([maps(claim.probability, claim.kind) for claim in claims], dtype=np.float64)
    users = [claim.user for claim in claims]
    general = base.rates(claims)
    expected, noiseless = _noise(claims, before, held)
    return Group(
        name=name,
        n=len(claims),
        users=len(set(users)),
        held=_mean(held),
        stated=_mean(before),
        mapped=_mean(after),
        expected=expected,
        noiseless=noiseless,
        figures=_figures(before, after, held, users, seed),
        discrimination=discrimination(after, held),
        gain_before=gain(before, held, general),
        gain_after=gain(after, held, general),
        bins_before=tuple(reliability(before, held)),
        bins_after=tuple(reliability(after, held)),
    )


def _figures(
    before: Floats, after: Floats, held: Floats, users: Sequence[str], seed: int
) -> tuple[Figure, ...]:
    drawn, people = Resampled(users, seed), len(set(users))
    found = []
    for name, compute, resampled in (
        ("Brier score", brier, drawn.brier),
        ("calibration error", calibration_error, drawn.calibration_error),
        ("log-loss, bits", log_loss, drawn.log_loss),
    ):
        first, second = resampled(before, held), resampled(after, held)
        intervals = (interval(values, people) for values in (first, second, second - first))
        found.append(Figure(name, compute(before, held), compute(after, held), *intervals))
    return tuple(found)


def _noise(claims: Sequence[Claim], before: Floats, held: Floats) -> tuple[float | None, float | None]:
    if not claims or any(claim.if_true is None or claim.if_false is None for claim in claims):
        return None, None
    true = np.array([claim.if_true for claim in claims], dtype=np.float64)
    false = np.array([claim.if_false for claim in claims], dtype=np.float64)
    expected = float(np.mean(before * true + (1 - before) * false))
    apart = float(true.mean() - false.mean())
    # The posterior of a share is too narrow to tell how often chance would show one that is not there.
    if apart <= 0 or any(claim.kind != "rating" for claim in claims):
        return expected, None
    share = (float(held.mean()) - float(false.mean())) / apart
    return expected, min(max(share, 0.0), 1.0)


class _Base:
    """How often a claim holds of anybody, by the half that is fitted on."""

    def __init__(self, sample: Sample, first: Sequence[Claim], known: set[str]) -> None:
        self._truths = sample.truths
        self._rates: dict[str, tuple[float, int]] = {}
        for topic, truths in sample.truths.items():
            mine = [held for user, held in truths.items() if user in known]
            if len(mine) >= _KNOWN:
                self._rates[topic] = float(np.mean(mine)), len(mine)
        held = {kind: [c.held for c in first if c.kind == kind and c.held is not None] for kind in KINDS}
        self._of_kind = {kind: float(np.mean(found)) if found else 0.5 for kind, found in held.items()}

    def rates(self, claims: Sequence[Claim]) -> Floats:
        """Return the rate of each claim's topic, or of its kind where too little is known of the topic."""
        unknown = self._of_kind
        return np.array(
            [self._rates.get(claim.topic, (unknown[claim.kind], 0))[0] for claim in claims], dtype=np.float64
        )

    def safe_formula(self, tested: set[str]) -> SafeFormula | None:
        """Return what the claim that holds most widely comes to about those who are tested on."""
        wide = {topic: rate for topic, (rate, users) in self._rates.items() if users >= _WIDELY}
        if not wide:
            return None
        topic = max(sorted(wide), key=lambda one: wide[one])
        held = np.array([h for user, h in self._truths[topic].items() if user in tested], dtype=np.float64)
        if not len(held):
            return None
        stated = np.full(len(held), wide[topic])
        return SafeFormula(
            topic, len(held), _mean(held), brier(stated, held), calibration_error(stated, held)
        )


def _coverage(sample: Sample) -> Coverage:
    topics = Counter(claim.topic for claim in sample.claims if claim.topic)
    shares = np.array(list(topics.values()), dtype=np.float64) / max(1, topics.total())
    return Coverage(
        claims=len(sample.claims),
        judged=len(sample.judged),
        users=len(sample.users),
        users_with_claims=len({claim.user for claim in sample.claims}),
        covered=sample.covered,
        coverable=sample.coverable,
        topics=len(topics),
        effective_topics=float(2 ** -(shares * np.log2(shares)).sum()) if topics else 0.0,
    )


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan
