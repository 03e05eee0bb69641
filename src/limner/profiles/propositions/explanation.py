"""Explaining a batch: what was proposed, related, revised and refused, why, and what it cost.

Put together from what the stages hand to each other. It quotes what the user said, so it is given to who asks for it and is stored
nowhere: what is not stored need not be erased.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from limner.inference.ledger import LedgerRow
from limner.memory.records import Evidence, Observation, Proposition
from limner.profiles.propositions.drafts import Draft, Refusal
from limner.profiles.propositions.relate import Candidate, Relation, may_matter
from limner.profiles.propositions.revise import Revision
from limner.profiles.propositions.validity import overlap

__all__ = ["Change", "ChangeKind", "Explanation", "Proposed", "Related", "StageCost", "Trace"]

ChangeKind = Literal["added", "revised", "retired"]


@dataclass(frozen=True)
class Related:
    """What a draft was compared with."""

    text: str
    proposition_id: str | None
    """None where it is an earlier draft of the same batch."""
    cosine: float
    label: str
    """`same`, `updates` or another relation of `relate`; `unrelated` where there is none."""
    asked: bool
    """Whether a model was asked; otherwise the wording, the distance or the times of the two settled it."""
    because: str = ""


@dataclass(frozen=True)
class Proposed:
    """A draft that its evidence bears out."""

    text: str
    evidence: tuple[Evidence, ...]
    reasoning: str
    durability: int
    valid_from: datetime | None
    valid_until: datetime | None
    related: tuple[Related, ...]
    """Nearest first."""
    became: tuple[str, ...]
    """Ids of the propositions that it is in now; none where it was refused or something later in the batch took its place."""


@dataclass(frozen=True)
class Change:
    """What became of the portrait: a proposition that was added, revised or given up."""

    kind: ChangeKind
    text: str
    """As it is held now, or was."""
    proposition_id: str
    before: tuple[str, ...]
    """The versions that it takes the place of, in words."""
    because: str
    confidence: float
    supporting: int
    """Observations for it."""
    contradicting: int
    valid_until: datetime | None
    computed: bool
    """Whether it was computed from ratings or choices; `because` then gives the contrast and its counts."""


@dataclass(frozen=True)
class StageCost:
    """What the calls of one stage cost."""

    stage: str
    calls: int
    prompt_tokens: int
    computed_tokens: int
    """The part of the prompts that was not in the prefix cache."""
    answer_tokens: int
    seconds: float
    """Time spent waiting for the calls."""


@dataclass(frozen=True)
class Explanation:
    """One batch of a reflection."""

    batch: int
    """From 1."""
    observations: tuple[str, ...]
    """Ids of what was reflected on."""
    structured: int
    """How many of them are ratings, purchases and the like, whose findings are computed."""
    proposed: tuple[Proposed, ...]
    findings: int
    """Computed findings that were looked at, changed or not."""
    changes: tuple[Change, ...]
    refused: tuple[Refusal, ...]
    failed: str | None
    """Why the batch could not be finished; nothing of it was stored then."""
    costs: tuple[StageCost, ...]
    seconds: float
    """From its claim to its end, with the store and the encoder."""


@dataclass
class Trace:
    """What is noted of a batch while it is worked on."""

    pairs: Sequence[tuple[Draft, Sequence[Candidate]]] = ()
    relations: Sequence[Sequence[Relation]] = ()
    refused: list[Refusal] = field(default_factory=list)
    findings: int = 0
    revision: Revision | None = None
    held: Sequence[Proposition] = ()
    """What was held before, where findings were computed."""

    def explained(
        self,
        number: int,
        observations: Sequence[Observation],
        rows: Sequence[LedgerRow],
        seconds: float,
        failed: str | None = None,
    ) -> Explanation:
        """Return the explanation of the batch.

        Args:
            number: Of the batch, from 1.
            observations: Of the batch.
            rows: What its calls cost, a row per stage.
            seconds: What it took.
            failed: Why it could not be finished.
        """
        revision = self.revision if self.revision is not None and failed is None else Revision()
        return Explanation(
            batch=number,
            observations=tuple(o.id for o in observations),
            structured=sum(o.event is not None for o in observations),
            proposed=tuple(self._proposed(revision)),
            findings=self.findings,
            changes=tuple(self._changes(revision)),
            refused=tuple(dict.fromkeys([*self.refused, *revision.refused])),
            failed=failed,
            costs=tuple(map(_cost, rows)),
            seconds=seconds,
        )

    def _proposed(self, revision: Revision) -> list[Proposed]:
        if len(self.relations) < len(self.pairs):  # it failed before they were related
            return [_proposal(draft, (), ()) for draft, _ in self.pairs]
        refused = {refusal.text for refusal in (*self.refused, *revision.refused)}
        return [
            _proposal(
                draft,
                tuple(_related(draft, candidate, found) for candidate in candidates),
                () if draft.text in refused else _became(draft, revision),
            )
            for (draft, candidates), found in zip(self.pairs, self.relations, strict=True)
        ]

    def _changes(self, revision: Revision) -> list[Change]:
        compared = [c.target for _, candidates in self.pairs for c in candidates]
        known = {p.id: p for p in (*self.held, *compared) if isinstance(p, Proposition)}
        changes = [
            _change(
                "revised" if p.supersedes else "added",
                p,
                revision.reasons.get(p.id, p.reasoning if p.topic is not None else ""),
                tuple(known[id].text for id in p.supersedes if id in known),
            )
            for p in revision.add
        ]
        return changes + [
            _change("retired", known[id], reason) for id, reason in revision.retire.items() if id in known
        ]


def _proposal(draft: Draft, related: tuple[Related, ...], became: tuple[str, ...]) -> Proposed:
    return Proposed(
        text=draft.text,
        evidence=draft.evidence,
        reasoning=draft.reasoning,
        durability=draft.durability,
        valid_from=draft.valid_from,
        valid_until=draft.valid_until,
        related=related,
        became=became,
    )


def _related(draft: Draft, candidate: Candidate, relations: Sequence[Relation]) -> Related:
    target = candidate.target
    found = next((r for r in relations if r.target is target), None)
    if found is None:
        # Where the same was found in the same words, nothing else was asked about.
        asked = all(r.asked for r in relations) and overlap(draft, target) and may_matter(draft, candidate)
        because = "" if overlap(draft, target) else "not of the same time"
    else:
        asked, because = found.asked, found.because
    return Related(
        text=target.text,
        proposition_id=target.id if isinstance(target, Proposition) else None,
        cosine=round(candidate.cosine, 3),
        label="unrelated" if found is None else found.kind,
        asked=asked,
        because=because,
    )


def _became(draft: Draft, revision: Revision) -> tuple[str, ...]:
    """Return the ids of the propositions that rest on what a draft rests on: by its words where they stand, else all of them."""
    spans = _spans(draft.evidence)
    resting = [p for p in revision.add if spans <= _spans(p.evidence)]
    return tuple(p.id for p in resting if p.text == draft.text) or tuple(p.id for p in resting)


def _spans(evidence: Sequence[Evidence]) -> set[tuple[str, int, int]]:
    return {(e.observation_id, e.start, e.end) for e in evidence if e.polarity == "supports"}


def _change(kind: ChangeKind, proposition: Proposition, because: str, before: tuple[str, ...] = ()) -> Change:
    return Change(
        kind=kind,
        text=proposition.text,
        proposition_id=proposition.id,
        before=before,
        because=because,
        confidence=proposition.confidence,
        supporting=len({e.observation_id for e in proposition.evidence if e.polarity == "supports"}),
        contradicting=len({e.observation_id for e in proposition.evidence if e.polarity == "contradicts"}),
        valid_until=proposition.valid_until,
        computed=proposition.topic is not None,
    )


def _cost(row: LedgerRow) -> StageCost:
    return StageCost(
        stage=row.stage,
        calls=row.calls,
        prompt_tokens=row.prompt_tokens,
        computed_tokens=row.prompt_tokens - row.cached_tokens,
        answer_tokens=row.output_tokens,
        seconds=row.seconds,
    )
