"""From the posterior that a rule gives to the share of such statements that turned out to hold.

A posterior is right where its model is. Where it is not (a person's taste drifts, many contrasts are looked at and the
best are told), statements with 0.95 hold less often than 95 times in 100. A map from the one to the other is fitted on people
whose later observations or gold facts are known (`limner eval calibration --fit`), one for each kind of statement, as what
is wrong with one kind is not wrong with another. It rises, so that it never changes which of two is the surer.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from limner.errors import ConfigurationError
from limner.memory.records import Standing

__all__ = [
    "KINDS",
    "ConfidenceMap",
    "ConfidenceMaps",
    "Kind",
    "Provenance",
    "calibrated",
    "kind_of",
    "packaged_maps",
    "read_maps",
    "using_maps",
]

Kind = Literal["rating", "share", "stated", "inferred"]
"""Computed from ratings; computed from what is chosen how often; said by the user; concluded from words."""

KINDS: tuple[Kind, ...] = ("rating", "share", "stated", "inferred")

_EDGE = 1e-6
"""Probabilities are kept this far from 0 and 1, where a logarithm has no value."""


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Provenance(_Closed):
    """What a map was fitted on."""

    data: str
    """Name of the data, and how much of its files' SHA-256 tells them apart."""
    half: str
    """Which part of the people or statements, and by which rule."""
    seed: int
    fitted_on: str
    """The day, as 2026-01-31."""
    claims: int
    users: int
    limner: str
    """Version of the package."""


class ConfidenceMap(_Closed):
    """A rising function of a probability.

    `beta` is beta calibration (Kull, Silva Filho and Flach, AISTATS 2017, §4): log-odds a·ln p − b·ln(1 − p) + c; Platt's
    logistic map is the case a = b, and a = b = 1, c = 0 leaves everything as it is. `steps` goes straight from knot to knot.
    """

    form: Literal["identity", "beta", "steps"] = "identity"
    a: float = Field(default=1.0, ge=0)
    b: float = Field(default=1.0, ge=0)
    c: float = 0.0
    at: tuple[float, ...] = ()
    """Probabilities of the knots, rising."""
    gives: tuple[float, ...] = ()
    """What the knots become, never falling."""
    fitted: Provenance | None = None

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.form == "beta" and self.a + self.b <= 0:
            raise ValueError("a and b are both 0, so that everything would be equally sure")
        if self.form == "steps":
            pairs = list(zip(self.at, self.gives, strict=False))
            rising = all(x < u and y <= v for (x, y), (u, v) in pairwise(pairs))
            inside = all(0 <= value <= 1 for pair in pairs for value in pair)
            if len(self.at) != len(self.gives) or len(pairs) < 2 or not rising or not inside:
                raise ValueError(
                    "`at` and `gives` need two or more knots each, as many of the one as of the other, from 0 to 1 and rising"
                )
        return self

    def __call__(self, probability: float) -> float:
        """Return what a probability becomes, in [0, 1]."""
        if self.form == "beta":
            p = min(max(probability, _EDGE), 1 - _EDGE)
            odds = self.a * math.log(p) - self.b * math.log1p(-p) + self.c
            return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0
        if self.form == "steps":
            return _between(probability, self.at, self.gives)
        return probability


class ConfidenceMaps(_Closed):
    """The map of each kind of statement; a kind without one is left as it is."""

    kinds: Mapping[Kind, ConfidenceMap] = Field(default_factory=dict)

    def __call__(self, probability: float, kind: Kind | None) -> float:
        """Return what a probability becomes for a statement of a kind; none is what the user confirmed, which stays."""
        known = None if kind is None else self.kinds.get(kind)
        return probability if known is None else known(probability)


def kind_of(standing: Standing, topic: str | None = None) -> Kind | None:
    """Return of which kind a statement is; none where the user has confirmed it.

    Args:
        standing: Who stands behind it.
        topic: Key of a computed finding, which begins with its measure.
    """
    if standing is Standing.CONFIRMED:
        return None
    if topic is not None:
        return "share" if topic.startswith("share/") else "rating"
    return "stated" if standing is Standing.STATED else "inferred"


def read_maps(path: Path) -> ConfidenceMaps:
    """Read maps that `limner eval calibration --fit` wrote.

    Raises:
        ConfigurationError: The file cannot be read, or is not what such a file should be.
    """
    try:
        return ConfidenceMaps.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"The confidence maps {path} cannot be read: {error.strerror or error}. "
            "Write them with `limner eval calibration --fit`, or leave the setting `confidence` out."
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigurationError(
            f"The confidence maps {path} cannot be used: {where}: {first['msg']}."
        ) from error


@cache
def packaged_maps() -> ConfidenceMaps:
    """Return the maps that limner ships."""
    return ConfidenceMaps.model_validate_json(
        files("limner.profiles").joinpath("fitted", "confidence.json").read_bytes()
    )


_own: ContextVar[ConfidenceMaps | None] = ContextVar("limner_confidence_maps", default=None)


@contextmanager
def using_maps(maps: ConfidenceMaps | None) -> Iterator[None]:
    """Use these maps within a `with` block; none uses those that limner ships."""
    token = _own.set(maps)
    try:
        yield
    finally:
        _own.reset(token)


def calibrated(probability: float, kind: Kind | None) -> float:
    """Return how often statements of a kind, about which a rule is so sure, turn out to hold.

    Args:
        probability: What the rule gives, in [0, 1].
        kind: Of the statement; none leaves the probability as it is.
    """
    return (_own.get() or packaged_maps())(probability, kind)


def _between(x: float, at: tuple[float, ...], gives: tuple[float, ...]) -> float:
    if x <= at[0]:
        return gives[0]
    if x >= at[-1]:
        return gives[-1]
    place = bisect_right(at, x)
    share = (x - at[place - 1]) / (at[place] - at[place - 1])
    return gives[place - 1] + share * (gives[place] - gives[place - 1])
