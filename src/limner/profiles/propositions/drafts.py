"""What the stages hand to each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from limner.memory.records import Evidence, Observation, Proposition, Standing
from limner.profiles.propositions.confidence import as_confidence, posterior
from limner.profiles.propositions.recalibration import calibrated, kind_of
from limner.profiles.propositions.validity import Validity

__all__ = ["Draft", "Refusal", "last_said", "whole"]


@dataclass(frozen=True)
class Draft:
    """A statement about the user that is not stored yet."""

    text: str
    evidence: tuple[Evidence, ...]
    occurred_at: datetime
    """When the latest of its evidence was said or done."""
    validity: Validity | None = None
    """From when until when it is so; none is from `occurred_at` on."""
    durability: int = 5
    standing: Standing = Standing.INFERRED
    reasoning: str = ""
    self_report: float | None = None
    """The model's own confidence on 1–10; one weak input among others."""
    probability: float | None = None
    """How sure it is, where that was computed or stays as it was; none leaves it to the count of the evidence."""
    topic: str | None = None
    ended_by: tuple[Evidence, ...] = ()
    """What was said about something else and puts an end to this; no evidence that it was never so."""
    model: str | None = None
    prompt_hash: str | None = None
    worded: str = ""
    """As the model wrote it, before "today" became a date; empty where that is `text`."""

    @property
    def valid_from(self) -> datetime | None:
        """Since when it is so; none: as far back as one may ask."""
        return self.occurred_at if self.validity is None else self.validity.first

    @property
    def valid_until(self) -> datetime | None:
        """From when on it is so no longer; none: no end is known."""
        return None if self.validity is None else self.validity.until

    def stored(self, user_id: str, supersedes: Sequence[Proposition] = ()) -> Proposition:
        """Return the draft as a proposition, the next version of those it supersedes."""
        supporting = len({e.observation_id for e in self.evidence if e.polarity == "supports"})
        contradicting = len({e.observation_id for e in self.evidence if e.polarity == "contradicts"})
        probability = self.probability
        if probability is None:
            counted = posterior(supporting, contradicting, self.standing, self.self_report)
            probability = calibrated(counted, kind_of(self.standing, self.topic))
        fields = {
            "user_id": user_id,
            "text": self.text,
            "reasoning": self.reasoning,
            "confidence": as_confidence(probability),
            "durability": self.durability,
            "standing": self.standing,
            "topic": self.topic,
            "evidence": (*self.evidence, *self.ended_by),
            "valid_from": self.valid_from,
            "valid_until": self.valid_until,
            "observed_at": self.occurred_at,
            "supersedes": tuple(p.id for p in supersedes),
            "model": self.model,
            "prompt_hash": self.prompt_hash,
        }
        first = Proposition.model_validate({**fields, "group": "-"})
        return first.model_copy(update={"group": supersedes[0].group if supersedes else first.id})


@dataclass(frozen=True)
class Refusal:
    """A statement that was proposed and not accepted, and why."""

    text: str
    because: str
    observation_ids: tuple[str, ...] = field(default=())


def last_said(target: Proposition | Draft) -> datetime | None:
    """Return when the latest evidence of a statement was said or done."""
    return target.occurred_at if isinstance(target, Draft) else target.observed_at or target.valid_from


def whole(observation: Observation, *, supports: bool = True) -> Evidence:
    """Return the whole text of an observation as evidence."""
    return Evidence(
        observation_id=observation.id,
        start=0,
        end=len(observation.text),
        quote=observation.text,
        polarity="supports" if supports else "contradicts",
    )
