"""The records that limner keeps about a user.

All are frozen pydantic models: a revision is a new record that supersedes the old one, never a change of
it. Times are timezone-aware; "in the user's world" means when a thing was so, "in ours" when limner learnt it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Literal

import uuid_utils
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

__all__ = [
    "AttributeValue",
    "AuditEntry",
    "Author",
    "Changes",
    "Consent",
    "Event",
    "EventKind",
    "Evidence",
    "Media",
    "NewObservation",
    "Observation",
    "Portrait",
    "PortraitLine",
    "Proposition",
    "Record",
    "Standing",
    "Suggestion",
    "SuggestionState",
    "new_id",
    "utc_now",
]

AttributeValue = str | float | tuple[str, ...]
"""A categorical, numeric or multi-valued attribute of an item."""

Author = Literal["user", "assistant", "application"]
"""Who produced an observation's text. What limner itself said (`assistant`) is never evidence about the user."""


def new_id() -> str:
    """Return a fresh UUIDv7 as text: unique, and in order of creation."""
    return str(uuid_utils.uuid7())


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


class Record(BaseModel):
    """Base of everything stored: frozen, closed to unknown fields, and without NaN, which JSON does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Standing(IntEnum):
    """Who stands behind a statement; no inference overrides what the user stated or confirmed."""

    INFERRED = 0
    """A model or a computation concluded it."""
    STATED = 1
    """The user said it about themselves."""
    CONFIRMED = 2
    """The user pinned, confirmed or edited it, looking at it."""


EventKind = Literal[
    "rating", "purchase", "view", "like", "dislike", "shown", "opened", "accepted", "rejected", "seen"
]
"""What was done to an item. The last five are what became of a recommendation: it was before the user's eyes (`shown`), they looked closer
(`opened`), took it (`accepted`), turned it down (`rejected`), or know the item already (`seen`)."""


class Event(Record):
    """The structured part of an observation: what was done to which item.

    The text of the observation says the same in words; the event lets code compute over it.
    """

    kind: EventKind
    item_id: str
    title: str
    item_type: str = "item"
    """What a person calls such a thing: `film`, `book`, `restaurant`."""
    value: float | None = None
    """Rating on the source's own scale; none where the kind says it all."""
    scale: tuple[float, float] | None = None
    """Lowest and highest rating that the source allows."""
    attributes: Mapping[str, AttributeValue] = Field(default_factory=dict)
    """What the catalogue says of the item, such as `{"genre": ("Horror",), "year": 1979}`."""

    @property
    def taken(self) -> bool:
        """Whether the user has had the item, whatever they made of it; what was shown, opened or turned down they have not."""
        return self.kind not in {"shown", "opened", "rejected"}


class Media(Record):
    """A reference to an image that came with an observation, and what a model saw in it."""

    uri: str
    mime_type: str
    description: str | None = None
    """In the words of the describing model, not of the user; none until a model has looked."""


class Observation(Record):
    """Something the user said or did, as it came; never changed, only erased."""

    id: str = Field(default_factory=new_id)
    user_id: str
    text: str
    source: str = "user"
    author: Author = "user"
    event: Event | None = None
    media: Media | None = None
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    key: str | None = None
    """Idempotency key: the same key twice, for one user, is one observation."""
    session: str | None = None
    """The conversation, or other sitting, that it was part of, by any name; none where there is no such thing."""
    origin: str | None = None
    """The user id under which it was recorded, where that user has been merged into this one since."""

    @property
    def seen(self) -> str:
        """What a model saw in its picture; empty where there is none, or nobody has looked."""
        return (self.media.description if self.media is not None else None) or ""


@dataclass(frozen=True, slots=True)
class NewObservation:
    """An observation on its way in: what the caller says, before it is checked, dated and given an id.

    Not a pydantic model: whatever is wrong with it is found, and worded, in one place (`limner.memory.intake`).
    """

    text: str | bytes
    """Words; bytes are read as UTF-8."""
    source: str = "user"
    author: Author = "user"
    occurred_at: datetime | None = None
    """When it happened, with a time zone; none means now."""
    key: str | None = None
    event: Event | None = None
    media: Media | None = None
    session: str | None = None
    """The conversation that it is part of, by any name."""


class Evidence(Record):
    """A span of an observation that a proposition rests on: `observation.text[start:end] == quote`.

    Where `part` is `image`, the span is one of `observation.media.description`.
    """

    observation_id: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    quote: str
    polarity: Literal["supports", "contradicts"] = "supports"
    part: Literal["text", "image"] = "text"


class Proposition(Record):
    """One statement about the user, in natural language, in one version (GUM, Shaikh et al. 2025, §3).

    A version is current while `retired_at` is none. All versions of one line of thought share `group`.
    """

    id: str = Field(default_factory=new_id)
    user_id: str
    text: str
    reasoning: str = ""
    confidence: float = Field(ge=1, le=10)
    """Ten times the posterior probability that the statement holds, at least 1."""
    durability: int = Field(ge=1, le=10)
    """How long it is likely to stay true: 10 is lasting (GUM's decay, the right way round)."""
    standing: Standing = Standing.INFERRED
    topic: str | None = None
    """Key of a computed finding, such as `rating/-/genre/Horror`, under which its next version is found; else none."""
    evidence: tuple[Evidence, ...] = ()
    valid_from: AwareDatetime | None = None
    """Since when it is so, in the user's world; none: as far back as one may ask."""
    valid_until: AwareDatetime | None = None
    """From when on it is so no longer; none: no end is known."""
    observed_at: AwareDatetime | None = None
    """When the latest of its evidence was said or done."""
    recorded_at: AwareDatetime = Field(default_factory=utc_now)
    retired_at: AwareDatetime | None = None
    retired_because: str | None = None
    pinned_at: AwareDatetime | None = None
    """Since when the user wants it kept in mind, whatever is asked."""
    denied_at: AwareDatetime | None = None
    """Since when the user says that it is not so; no later inference may bring it back."""
    supersedes: tuple[str, ...] = ()
    group: str
    """Shared by every version; the id of the first."""
    model: str | None = None
    """Model that worded it; none where no model was involved."""
    prompt_hash: str | None = None

    @property
    def supporting(self) -> int:
        """Number of distinct observations that speak for it."""
        return len({e.observation_id for e in self.evidence if e.polarity == "supports"})

    @property
    def contradicting(self) -> int:
        """Number of distinct observations that speak against it."""
        return len({e.observation_id for e in self.evidence if e.polarity == "contradicts"})


class PortraitLine(Record):
    """One sentence of a portrait, with what it rests on."""

    text: str
    confidence: float | None = Field(default=None, ge=1, le=10)
    propositions: tuple[str, ...] = ()
    """Ids of the propositions behind the sentence."""
    evidence: tuple[Evidence, ...] = ()


class Changes(Record):
    """What has changed since a portrait was drawn, where that was too little to draw it anew."""

    new: tuple[str, ...] = ()
    """Statements that came since and bear on it."""
    gone: tuple[str, ...] = ()
    """Statements that it rested on and that are held no longer; its lines do not say them any more."""


class Portrait(Record):
    """A profile of the user in natural language, drawn at one moment for one task."""

    id: str = Field(default_factory=new_id)
    user_id: str
    kind: str
    """Which portraitist drew it: `propositions`, `summary`, …"""
    task: str | None = None
    lines: tuple[PortraitLine, ...] = ()
    drawn_at: AwareDatetime = Field(default_factory=utc_now)
    model: str | None = None
    prompt_hash: str | None = None
    changes: Changes = Changes()
    """What has changed since `drawn_at`; worked out when it is asked for, and not stored."""

    @property
    def text(self) -> str:
        """The lines, one under the other; empty when nothing is known."""
        return "\n".join(line.text for line in self.lines)

    @property
    def based_on(self) -> tuple[str, ...]:
        """Ids of every proposition behind any line, each once, in order of appearance."""
        return tuple(dict.fromkeys(p for line in self.lines for p in line.propositions))


SuggestionState = Literal["offered", "shown", "accepted", "dismissed"]
"""What became of a suggestion; `shown` says that it was before the user's eyes and nothing came of it yet."""


class Suggestion(Record):
    """A next step proposed to the user unasked, with what speaks for and against interrupting them."""

    id: str = Field(default_factory=new_id)
    user_id: str
    text: str
    probability: float = Field(ge=0, le=1)
    """That it helps."""
    value: float = Field(ge=1, le=10)
    """How much it helps if it does."""
    cost: float = Field(ge=1, le=10)
    """What it costs the user to be interrupted with it."""
    propositions: tuple[str, ...] = ()
    """Ids of the versions of propositions that it rests on."""
    state: SuggestionState = "offered"
    made_at: AwareDatetime = Field(default_factory=utc_now)
    decided_at: AwareDatetime | None = None
    observation_id: str | None = None
    """The observation that says how the user decided; none where recording is paused."""
    model: str | None = None
    prompt_hash: str | None = None

    @property
    def benefit(self) -> float:
        """The expected benefit: probability times value, at most 10."""
        return self.probability * self.value


class Consent(Record):
    """One entry of the log of consents: whether the user agreed to a source being recorded, and what shows it."""

    id: str = Field(default_factory=new_id)
    user_id: str
    source: str
    granted: bool
    """False is a withdrawal."""
    basis: str
    """What shows it, in the words of whoever logged it."""
    decided_at: AwareDatetime = Field(default_factory=utc_now)


class AuditEntry(Record):
    """One decision whether something about the user may be told to somebody (contextual integrity)."""

    id: str = Field(default_factory=new_id)
    user_id: str
    recipient: str
    purpose: str
    proposition_id: str | None = None
    """None when the decision was not about one proposition."""
    decision: str
    """Such as `share` or `withhold`."""
    reason: str | None = None
    """Why; none once the proposition has been erased."""
    decided_at: AwareDatetime = Field(default_factory=utc_now)
