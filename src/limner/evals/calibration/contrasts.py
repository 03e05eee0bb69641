"""Claims computed from the first part of somebody's ratings, judged by the ratings not yet seen.

A contrast ("rates horror below the rest") holds where the later ratings show the same sign, with enough of them inside and
outside; a share ("chooses comedies more often than most") where the later choices exceed the general share too. That sample is
itself noisy: a handful of ratings misses a true contrast now and then, and shows a false one. How often either happens is worked
out for each claim from its posterior (`Claim.if_true`, `Claim.if_false`), so that noise is not taken for overconfidence.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom, norm

from limner.errors import InputError
from limner.evals.calibration.claims import Claim, Sample
from limner.evals.rating.ratings import HIGHEST, LOWEST, Rating, Ratings, read_ratings
from limner.evals.resampling import Floats
from limner.evals.sources import file_hash
from limner.memory.records import Event, Observation
from limner.profiles.propositions.findings import Baseline, Finding, attribute_keys, difference, find
from limner.profiles.propositions.review import ACCEPT
from limner.profiles.propositions.word import template

__all__ = ["LEAST", "computed_claims"]

LEAST = 5
"""Later ratings that must lie inside the attribute value, and outside it, for a contrast to be judged."""
_EARLY = 0.5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_GRID = (np.arange(200) + 0.5) / 200
"""Quantiles of a posterior at which it is looked at."""

_Key = tuple[str, str]


@dataclass(frozen=True)
class _Later:
    """What somebody rated after the claims were made."""

    values: NDArray[np.float64]
    inside: Mapping[_Key, NDArray[np.bool_]]

    def difference(self, key: _Key, least: int) -> tuple[float, int, int] | None:
        """Return mean inside less mean outside, with both counts; none where either is too small."""
        mine = self.inside.get(key)
        count = 0 if mine is None else int(mine.sum())
        rest = len(self.values) - count
        if mine is None or min(count, rest) < least:
            return None
        return float(self.values[mine].mean() - self.values[~mine].mean()), count, rest


def computed_claims(data: str, *, limit: int | None = None, seed: int = 0, least: int = LEAST) -> Sample:
    """Compute everybody's claims from the first half of their ratings, and judge them by the second; no model is asked.

    Args:
        data: `ml-100k`, or a folder of RecBole files with ratings from 1 to 5.
        limit: At most so many people, drawn at random.
        seed: Of that draw.
        least: Later ratings needed inside and outside.

    Raises:
        DataError: A file is missing or is not what it should be.
        InputError: `least` is not positive.
        DownloadError: The data could not be downloaded whole.
    """
    if least < 1:
        raise InputError(f"At least one later rating is needed to judge by, not {least}.")
    ratings = read_ratings(data)
    everybody = {user.user: (*user.earlier, user.hidden) for user in ratings.users}
    baseline = _general(ratings, everybody)
    names = list(everybody)
    if limit is not None and limit < len(names):
        drawn = np.random.default_rng(seed).permutation(len(names))[:limit]
        names = [names[place] for place in sorted(drawn)]
    judging = _Judging(ratings, baseline, least)
    for name in names:
        judging.person(name, everybody[name])
    return Sample(
        source=f"ratings of {data if data == 'ml-100k' else ratings.files[0].name}",
        claims=tuple(judging.claims),
        users=tuple(names),
        covered=judging.covered,
        coverable=judging.coverable,
        data={path.name: file_hash(path) for path in ratings.files},
        counted={**ratings.counted, **judging.counted},
        truths=judging.truths,
    )


class _Judging:
    def __init__(self, ratings: Ratings, baseline: Baseline, least: int) -> None:
        self._items = {item.id: item for item in ratings.catalogue}
        self._keys = {item.id: frozenset(attribute_keys(item.attributes)) for item in ratings.catalogue}
        self._kind, self._baseline, self._least = ratings.kind, baseline, least
        self.claims: list[Claim] = []
        self.covered = self.coverable = 0
        self.counted: Counter[str] = Counter()
        self.truths: dict[str, dict[str, float]] = defaultdict(dict)

    def person(self, name: str, rated: Sequence[Rating]) -> None:
        """Add somebody's claims, what became of them, and what else was true of them."""
        cut = int(len(rated) * _EARLY)
        early = [self._observation(name, place, one) for place, one in enumerate(rated[:cut])]
        later = self._later(rated[cut:])
        self._truths(name, later)
        found = find(early, self._baseline, threshold=ACCEPT)
        about = {(finding.topic.attribute, finding.topic.value) for finding in found}
        self.coverable += len(rated) - cut
        self.covered += sum(not about.isdisjoint(self._keys[one.item]) for one in rated[cut:])
        for finding in found:
            claim = self._claim(name, finding, early, later)
            self.counted["claim with too few later ratings to judge it"] += claim.held is None
            self.claims.append(claim)

    def _claim(self, name: str, finding: Finding, early: Sequence[Observation], later: _Later) -> Claim:
        topic = finding.topic
        judged: tuple[float, float, float] | None
        if topic.measure == "rating":
            judged = self._contrast(finding, early, later)
        else:
            judged = self._share(finding, later)
        held, if_true, if_false = (None, None, None) if judged is None else judged
        return Claim(
            user=name,
            kind=topic.measure,
            text=template(finding),
            topic=str(topic),
            probability=finding.probability,
            held=held,
            if_true=if_true,
            if_false=if_false,
            support=finding.count,
            judged=f"sign in the later ratings, {self._least} or more on either side",
        )

    def _contrast(
        self, finding: Finding, early: Sequence[Observation], later: _Later
    ) -> tuple[float, float, float] | None:
        topic = finding.topic
        seen = later.difference((topic.attribute, topic.value), self._least)
        if seen is None:
            return None
        own = [o.event.value for o in early if o.event is not None and o.event.value is not None]
        spread = float(np.std(own, ddof=1))
        mean, variance = difference(finding.level - finding.reference, finding.count, finding.total, spread)
        noise = spread**2 * (1 / seen[1] + 1 / seen[2])
        effects = abs(mean) + variance**0.5 * norm.ppf(_GRID)
        return _holds(seen[0], topic.sign), *_shown(effects, norm.cdf(effects / noise**0.5), 0.0)

    def _share(self, finding: Finding, later: _Later) -> tuple[float, float, float] | None:
        n = len(later.values)
        # By what is to be expected, not by what came: that would let only those through that hold.
        if n * finding.reference < self._least:
            return None
        mine = later.inside.get((finding.topic.attribute, finding.topic.value))
        held = float(mine is not None and mine.sum() > n * finding.reference)
        ahead, rest = 1 + finding.count, 1 + finding.total - finding.count
        shares = beta.ppf(_GRID, ahead, rest)
        shown = binom.sf(np.floor(n * finding.reference), n, shares)
        return held, *_shown(shares, shown, finding.reference)

    def _truths(self, name: str, later: _Later) -> None:
        for key in later.inside:
            seen = later.difference(key, self._least)
            if seen is not None:
                for sign in "+-":
                    self.truths[f"rating/{sign}/{key[0]}/{key[1]}"][name] = _holds(seen[0], sign)
        n = len(later.values)
        for key, general in self._baseline.items():
            if n * general >= self._least:
                mine = later.inside.get(key)
                more = mine is not None and mine.sum() > n * general
                self.truths[f"share/+/{key[0]}/{key[1]}"][name] = float(more)

    def _later(self, rated: Sequence[Rating]) -> _Later:
        own = [self._keys[one.item] for one in rated]
        keys = sorted({key for keys in own for key in keys})
        inside = {key: np.array([key in keys for keys in own], dtype=np.bool_) for key in keys}
        return _Later(np.array([one.value for one in rated], dtype=np.float64), inside)

    def _observation(self, name: str, place: int, one: Rating) -> Observation:
        item = self._items[one.item]
        at = one.at or _EPOCH
        event = Event(
            kind="rating",
            item_id=item.id,
            title=item.title,
            item_type=self._kind,
            value=one.value,
            scale=(LOWEST, HIGHEST),
            attributes=item.attributes,
        )
        fields: dict[str, Any] = {"id": str(place), "user_id": name, "text": item.title, "event": event}
        return Observation(**fields, occurred_at=at, recorded_at=at)


def _holds(gap: float, sign: str) -> float:
    return 0.5 if gap == 0 else float((gap > 0) == (sign == "+"))


def _shown(effects: Floats, shown: Floats, none: float) -> tuple[float, float]:
    """Return how often a sample shows the direction claimed where that is true, and where it is not.

    Args:
        effects: Quantiles of the posterior, rising.
        shown: How likely the sample shows the direction at each of them.
        none: The effect that is neither for nor against.
    """
    true = effects > none
    nearest = float(shown[0])  # of a claim that can hardly be false, the least it could be
    return float(shown[true].mean()), nearest if true.all() else float(shown[~true].mean())


def _general(ratings: Ratings, everybody: Mapping[str, Sequence[Rating]]) -> Baseline:
    """Return the share of all ratings that each attribute value has, as a reflection would be given it."""
    chosen = Counter(one.item for rated in everybody.values() for one in rated)
    counts: Counter[_Key] = Counter()
    for item in ratings.catalogue:
        for key in attribute_keys(item.attributes):
            counts[key] += chosen[item.id]
    total = sum(chosen.values())
    return {key: count / total for key, count in counts.items() if count}
