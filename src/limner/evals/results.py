"""What a run states: scores with intervals, what was run on what, and what it cost."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Cost", "Item", "Result", "Statement"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cost(_Frozen):
    """What the model calls of a run took, those of the memory included."""

    calls: int = 0
    input_tokens: int = 0
    """Of the prompts, what came from a cache included."""
    cached_tokens: int = 0
    """The part of the prompts that was in the endpoint's prefix cache."""
    output_tokens: int = 0
    seconds: float = 0.0
    """Waiting for models; calls side by side count each."""
    reused: int = 0
    """Calls answered from the response cache of earlier runs; they are counted in `calls` and tokens, not in seconds."""

    def __add__(self, other: "Cost") -> "Cost":
        """Return the sum of two."""
        mine, theirs = self.model_dump(), other.model_dump()
        return Cost(**{name: mine[name] + theirs[name] for name in mine})


class Item(_Frozen):
    """One question of a run and how its answer counts."""

    id: str
    group: str | None = None
    groups: dict[str, str] = Field(default_factory=dict)
    """Further ways of grouping, such as `{"distance": "4-7 sessions"}`."""
    cluster: str | None = None
    values: dict[str, float] = Field(default_factory=dict)
    labels: tuple[str, str] | None = None
    answer: str = ""
    cost: Cost = Cost()
    """Of this question; who needed a history first bears the cost of its taking in."""


class Statement(_Frozen):
    """A measure over some items, with its 95 % interval."""

    measure: str
    value: float | None
    """None where there was nothing to compute it from."""
    low: float | None = None
    high: float | None = None
    n: int
    better: str = "higher"
    interval: str = ""
    """How the interval was made: `wilson`, `wilson over clusters`, `bootstrap`, or `cluster bootstrap`."""


class Result(_Frozen):
    """One run of one task."""

    task: str
    limner: str
    """Version of the package."""
    started: datetime
    status: str
    """`success`, or what inspect says of a run that did not end well."""
    memory: str
    k: int | None = None
    model: str
    """`none` where no model is asked."""
    model_settings: Mapping[str, Any] = Field(default_factory=dict)
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    """Every other parameter of the task."""
    seed: int = 0
    data: Mapping[str, str] = Field(default_factory=dict)
    """File name to SHA-256."""
    prompts: Mapping[str, str] = Field(default_factory=dict)
    """Prompt name to hash."""
    n: int
    statements: list[Statement]
    """Over all items; the first is the one to compare by."""
    groups: dict[str, list[Statement]] = Field(default_factory=dict)
    floors: Mapping[str, float] = Field(default_factory=dict)
    published: Mapping[str, float] = Field(default_factory=dict)
    counted: Mapping[str, int] = Field(default_factory=dict)
    cost: Cost = Cost()
    items: list[Item] = Field(default_factory=list)
    origin: Path | None = None
    """The log it was read from."""
