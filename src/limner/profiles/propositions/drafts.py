"""What the stages hand to each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from limner.memory.records import Evidence, Observation, Proposition, Standing
from limner.profiles.propositions.confidence import as_confidence, posterior

__all__ = ["Draft", "Refusal", "whole"]


@dataclass(frozen=True)
class Draft:
    """A statement about the user that is not stored yet."""

    text: str
    evidence: tuple[Evidence, ...]
    occurred_at: datetime
    """When the latest of its evidence was so, in the user's world."""
    durability: int = 5
    standing: Standing = Standing.INFERRED
    reasoning: str = ""
    self_report: float | None = None
    """The model's own confidence on 1–10; one weak input among others."""
    probability: float | None = None
    """Posterior probability where it was computed; none leaves it to the count of the evidence."""
    topic: str | None = None
    model: str | None = None
    prompt_hash: str | None = None

    def stored(self, user_id: str, supersedes: Sequence[Proposition] = ()) -> Proposition:
        """Return the draft as a proposition, the next version of those it supersedes."""
        supporting = len({e.observation_id for e in self.evidence if e.polarity == "supports"})
        contradicting = len({e.observation_id for e in self.evidence if e.polarity == "contradicts"})
        probability = self.probability
        if probability is None:
            probability = posterior(supporting, contradicting, self.standing, self.self_report)
        fields = {
            "user_id": user_id,
            "text": self.text,
            "reasoning": self.reasoning,
            "confidence": as_confidence(probability),
            "durability": self.durability,
            "standing": self.standing,
            "topic": self.topic,
            "evidence": self.evidence,
            "valid_from": self.occurred_at,
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


def whole(observation: Observation, *, supports: bool = True) -> Evidence:
    """Return the whole text of an observation as evidence."""
    return Evidence(
        observation_id=observation.id,
        start=0,
        end=len(observation.text),
        quote=observation.text,
        polarity="supports" if supports else "contradicts",
    )
