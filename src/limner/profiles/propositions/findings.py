"""What can be computed from ratings and other structured observations, before any model is asked.

A language model counts and averages badly, so code finds the contrasts (which attribute values this
person rates above or below the rest of what they rated, and which they choose more often than people in general) with the
probability that each is real; the model only puts them into words.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, norm

from limner.memory.records import AttributeValue, Event, Observation
from limner.profiles.propositions.recalibration import calibrated

__all__ = ["Baseline", "Finding", "Topic", "attribute_keys", "difference", "find", "is_year"]

Baseline = Mapping[tuple[str, str], float]
"""Share of all choices, by everybody, that have an attribute value, by (attribute, value), in [0, 1]."""

_MIN_OBSERVATIONS = 3
_EFFECT_SD = 0.5
"""Prior standard deviation of a contrast, in standard deviations of the person's own ratings."""
_LEAST_EFFECT = 0.2
"""Least shrunken contrast worth a sentence, in standard deviations of the person's own ratings."""
_SALIENT = 1.5
"""A share is worth a sentence where it is this many times the general one."""
_ANSWERS = frozenset({"accepted", "seen"})
"""What says that the user takes an item, and nothing else of it."""


@dataclass(frozen=True)
class Topic:
    """What a finding is about; its text form is the key under which the next version finds the last."""

    measure: Literal["rating", "share"]
    sign: Literal["+", "-"]
    attribute: str
    value: str

    def __str__(self) -> str:
        attribute = self.attribute.replace("%", "%25").replace("/", "%2F")
        return f"{self.measure}/{self.sign}/{attribute}/{self.value}"

    @classmethod
    def parse(cls, text: str) -> "Topic":
        """Read the text form."""
        measure, sign, attribute, value = text.split("/", 3)
        attribute = attribute.replace("%2F", "/").replace("%25", "%")
        return cls(measure, sign, attribute, value)  # type: ignore[arg-type]

    @property
    def subject(self) -> tuple[str, str, str]:
        """The topic without its direction: what a reversal has in common with what it reverses."""
        return self.measure, self.attribute, self.value


@dataclass(frozen=True)
class Finding:
    """A contrast in one person's structured observations."""

    topic: Topic
    probability: float
    """Posterior probability that the contrast has the direction stated."""
    item_type: str
    count: int
    """Observations with the attribute value."""
    total: int
    level: float
    """Mean rating with the value, or share of the choices."""
    reference: float
    """Mean rating without it, or share among everybody's choices."""
    position: float
    """Where `level` lies between the lowest (0) and the highest (1) possible rating; the share itself for shares."""
    supports: tuple[Observation, ...]
    """With the value and in the direction stated; strongest first."""
    contradicts: tuple[Observation, ...]

    @property
    def borne_out(self) -> float:
        """How often contrasts of this kind and probability are borne out by later observations, in [0, 1]."""
        return calibrated(self.probability, self.topic.measure)

    @property
    def strength(self) -> str:
        """The direction in words, no stronger than the numbers."""
        if self.topic.measure == "share":
            return "picked more often than by most people"
        if self.topic.sign == "+":
            return "loved" if self.position >= 0.8 else "liked more than the rest"
        return "disliked" if self.position < 0.4 else "less to their taste than the rest"

    @property
    def examples(self) -> tuple[Observation, ...]:
        """Up to three observations that show it best, each title once."""
        by_title = {o.event.title: o for o in reversed(self.supports) if o.event is not None}
        return tuple(o for o in self.supports if o.event is not None and by_title[o.event.title] is o)[:3]


@dataclass(frozen=True)
class _Rated:
    """The structured observations of one person, as columns."""

    observations: tuple[Observation, ...]
    values: NDArray[np.float64]
    """(n,); NaN where an event has no value."""
    low: float
    high: float
    groups: Mapping[tuple[str, str], NDArray[np.intp]]


def find(
    observations: Iterable[Observation], baseline: Baseline | None = None, *, threshold: float = 0.75
) -> list[Finding]:
    """Return the contrasts in a person's structured observations, most probable first.

    Ratings: with n ratings inside an attribute value and m outside, the difference of means has the posterior of a normal
    model with prior N(0, (s/2)²), s being the person's own standard deviation: small groups shrink towards no
    difference, which also tempers the many comparisons. Shares: the posterior of a Beta(1, 1) prior that the person's
    share exceeds the general one. Attribute values with fewer than three observations are left out.

    Args:
        observations: All of one person's; those without an event are ignored. Films are compared with films and books with
            books; ratings on another scale are put on the one that is used most.
        baseline: General shares; none leaves shares out.
        threshold: Least probability to be reported, in [0, 1].
    """
    by_type: dict[str, list[Observation]] = defaultdict(list)
    for observation in _telling(observations):
        if observation.event is not None:
            by_type[observation.event.item_type].append(observation)
    found: dict[str, Finding] = {}
    for of_one_type in by_type.values():
        rated = _columns(of_one_type)
        for finding in (*_rating_contrasts(rated), *_share_contrasts(rated, baseline or {})):
            other = found.get(str(finding.topic))
            if finding.probability >= threshold and (
                other is None or finding.probability > other.probability
            ):
                found[str(finding.topic)] = finding
    return sorted(found.values(), key=lambda f: (-f.probability, str(f.topic)))


def _telling(observations: Iterable[Observation]) -> list[Observation]:
    """Return the observations with an event that says what the user takes or thinks of it.

    What was only shown, opened or turned down says neither; who takes up a recommendation and then rates the item has chosen it once.
    """
    telling = [(o, o.event) for o in observations if o.event is not None and o.event.taken]
    said = {_item(event) for _, event in telling if event.kind not in _ANSWERS}
    answered = {_item(event): o.id for o, event in telling if event.kind in _ANSWERS}
    return [
        o
        for o, event in telling
        if event.kind not in _ANSWERS or (_item(event) not in said and answered[_item(event)] == o.id)
    ]


def _item(event: Event) -> tuple[str, str]:
    return event.item_type, event.item_id


def _columns(observations: Sequence[Observation]) -> _Rated:
    events = [o.event for o in observations if o.event is not None]
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for position, event in enumerate(events):
        for key in attribute_keys(event.attributes):
            groups[key].append(position)
    scales = Counter(event.scale for event in events if event.scale is not None)
    ratings = [event.value for event in events if event.value is not None]
    low, high = (
        scales.most_common(1)[0][0] if scales else (min(ratings, default=0.0), max(ratings, default=1.0))
    )
    values = np.array([_value(event, low, high) for event in events], dtype=np.float64)
    arrays = {key: np.array(positions, dtype=np.intp) for key, positions in groups.items()}
    return _Rated(tuple(observations), values, low, high, arrays)


def _value(event: Event, low: float, high: float) -> float:
    """Return an event's rating on the scale from `low` to `high`; a like and a dislike stand for its ends."""
    if event.value is None:
        return {"like": high, "dislike": low}.get(event.kind, float("nan"))
    if event.scale is None or event.scale == (low, high) or event.scale[0] >= event.scale[1]:
        return event.value
    share = (event.value - event.scale[0]) / (event.scale[1] - event.scale[0])
    return low + share * (high - low)


def is_year(attribute: str, value: float) -> bool:
    """Whether a number is a year: a whole one with four digits, under a name that says so."""
    named = any(word in attribute.lower() for word in ("year", "date", "released", "published"))
    return named and float(value).is_integer() and 1000 <= value < 3000


def attribute_keys(attributes: Mapping[str, AttributeValue]) -> Iterable[tuple[str, str]]:
    """Yield the (attribute, value) groups that an item belongs to; years are taken by the decade."""
    for attribute, value in attributes.items():
        if isinstance(value, float | int):
            if is_year(attribute, value):
                yield "decade", f"{int(value) // 10 * 10}s"
        elif isinstance(value, str):
            yield attribute, value
        else:
            yield from ((attribute, each) for each in value)


def difference(seen: float, count: int, total: int, spread: float) -> tuple[float, float]:
    """Return the posterior mean and variance of a contrast, in squares of the rating's unit.

    Args:
        seen: Mean rating inside the attribute value less that outside.
        count: Ratings inside.
        total: All ratings.
        spread: Standard deviation of the person's own ratings.
    """
    variance = spread**2 * (1 / count + 1 / (total - count))
    prior = (_EFFECT_SD * spread) ** 2
    return seen * prior / (prior + variance), 1 / (1 / prior + 1 / variance)


def _rating_contrasts(rated: _Rated) -> Iterable[Finding]:
    has_value = ~np.isnan(rated.values)
    if len(set(rated.values[has_value].tolist())) < 2 or rated.high <= rated.low:
        return  # not by the spread: that of equal numbers may come out a hair above 0
    spread = float(np.std(rated.values[has_value], ddof=1))
    mean = float(np.mean(rated.values[has_value]))
    for (attribute, value), positions in rated.groups.items():
        inside = positions[has_value[positions]]
        outside = np.setdiff1d(np.flatnonzero(has_value), inside)
        if min(inside.size, outside.size) < _MIN_OBSERVATIONS:
            continue
        level, reference = float(rated.values[inside].mean()), float(rated.values[outside].mean())
        total = inside.size + outside.size
        shrunken, variance = difference(level - reference, inside.size, total, spread)
        if abs(shrunken) < _LEAST_EFFECT * spread:
            continue
        sign = 1 if shrunken >= 0 else -1
        agrees = (rated.values[inside] - mean) * sign >= 0
        order = np.argsort(-rated.values[inside] * sign, kind="stable")
        yield Finding(
            Topic("rating", "+" if sign > 0 else "-", attribute, value),
            probability=float(norm.cdf(abs(shrunken) / variance**0.5)),
            item_type=_item_type(rated, inside),
            count=int(inside.size),
            total=int(has_value.sum()),
            level=level,
            reference=reference,
            position=(level - rated.low) / (rated.high - rated.low),
            supports=tuple(rated.observations[inside[i]] for i in order if agrees[i]),
            contradicts=tuple(rated.observations[inside[i]] for i in order if not agrees[i]),
        )


def _share_contrasts(rated: _Rated, baseline: Baseline) -> Iterable[Finding]:
    chosen = np.array([o.event is not None and o.event.kind != "dislike" for o in rated.observations])
    total = int(chosen.sum())
    for key, group in rated.groups.items():
        positions = group[chosen[group]]
        general = baseline.get(key)
        count = int(positions.size)
        if not general or count < _MIN_OBSERVATIONS or count / total < _SALIENT * general:
            continue
        yield Finding(
            Topic("share", "+", *key),
            probability=float(beta.sf(general, 1 + count, 1 + total - count)),
            item_type=_item_type(rated, positions),
            count=count,
            total=total,
            level=count / total,
            reference=general,
            position=count / total,
            supports=tuple(rated.observations[i] for i in reversed(positions)),
            contradicts=(),
        )


def _item_type(rated: _Rated, positions: NDArray[np.intp]) -> str:
    event = rated.observations[positions[-1]].event
    return event.item_type if event is not None else "item"
