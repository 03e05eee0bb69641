"""Versions in the making: how evidence, periods and standing of several statements come together in one.

Everything here is pure. A line is what a revision has so far of one version: the draft that will be stored, what it
supersedes, and which drafts and stored statements went into it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from limner.memory.records import Evidence, Proposition, Standing
from limner.profiles.propositions.apart import shares_words
from limner.profiles.propositions.drafts import Draft, last_said
from limner.profiles.propositions.validity import Validity, overlap

__all__ = [
    "Line",
    "Target",
    "again",
    "against",
    "among",
    "current",
    "ended",
    "ends",
    "joined",
    "opposed",
    "overruling",
    "saying",
    "versions",
]

Target = Proposition | Draft
"""What a draft is related to: something stored, or an earlier draft."""


@dataclass(eq=False)
class Line:
    """A version in the making."""

    draft: Draft
    supersedes: list[Proposition] = field(default_factory=list)
    says: list[Target] = field(default_factory=list)
    """The drafts that went into it, and the stored versions that it says again."""
    instead_of: list[Target] = field(default_factory=list)
    """What it takes the place of, from when it begins."""
    after: "Line | None" = None
    """Another version of this batch, of the same line, that ends where this one begins."""
    why: list[str] = field(default_factory=list)
    """What was done to it, in words, in order."""


def versions(user_id: str, lines: Sequence[Line]) -> list[tuple[Proposition, str]]:
    """Return what is to be stored, each with the reason in words."""
    stored: dict[int, Proposition] = {}
    for line in lines:
        version = line.draft.stored(user_id, line.supersedes)
        before = line.after
        while before is not None and id(before) not in stored:
            before = before.after
        if not line.supersedes and before is not None:
            version = version.model_copy(update={"group": stored[id(before)].group})
        stored[id(line)] = version
    return [(stored[id(line)], "; ".join(dict.fromkeys(line.why))) for line in lines]


def among(target: Target, targets: Sequence[Target]) -> bool:
    """Whether it is one of these: drafts are compared by identity, since two may say and rest on the same."""
    return any(target is t or (isinstance(t, Proposition) and target == t) for t in targets)


def saying(lines: Sequence[Line], target: Target | None) -> Line | None:
    """Return the line that says a target, if there is one."""
    return next((line for line in lines if target is not None and among(target, line.says)), None)


def current(lines: Sequence[Line], target: Target) -> Target:
    """Return a target as the batch has left it."""
    line = saying(lines, target)
    return target if line is None else line.draft


def again(held: Proposition, now: datetime) -> Draft:
    """Return a stored proposition as a draft, to be stored again with more evidence or with an end.

    Args:
        held: The version that is held.
        now: When it counts as said where it does not tell.
    """
    over = held.valid_until is not None
    return Draft(
        text=held.text,
        evidence=tuple(e for e in held.evidence if not over or e.polarity == "supports"),
        ended_by=tuple(e for e in held.evidence if over and e.polarity == "contradicts"),
        occurred_at=last_said(held) or now,
        validity=Validity(held.valid_from, held.valid_until),
        durability=held.durability,
        standing=held.standing,
        reasoning=held.reasoning,
        probability=held.confidence / 10,
        topic=held.topic,
        model=held.model,
        prompt_hash=held.prompt_hash,
    )


def joined(base: Draft, new: Draft, *, standing: Standing | None = None) -> Draft:
    """Return one statement with the evidence and the time of two, in the words of the first.

    Args:
        base: Whose words stay.
        new: What it takes in.
        standing: Of the result; none is the higher of the two.
    """
    begins = [base.valid_from, new.valid_from]
    until = base.valid_until
    if new.valid_until is not None and (until is None or new.occurred_at >= base.occurred_at):
        until = new.valid_until  # the later word on when it ends
    return replace(
        base,
        evidence=_distinct((*base.evidence, *new.evidence)),
        ended_by=_distinct((*base.ended_by, *new.ended_by)),
        occurred_at=max(base.occurred_at, new.occurred_at),
        validity=Validity(None if None in begins else min(b for b in begins if b is not None), until),
        standing=max(base.standing, new.standing) if standing is None else standing,
        durability=max(base.durability, new.durability),
        probability=None,
    )


def opposed(base: Draft, by: Target) -> Draft:
    """Return a statement with what supports another counted against it."""
    return replace(base, evidence=_distinct((*base.evidence, *against(by))), probability=None)


def overruling(winner: Draft, loser: Draft) -> Draft:
    """Return a statement that takes the place of another, which is held no longer, with all that this rested on.

    What supported the other speaks against it. What spoke against the other speaks for it where it has words of its own.
    """
    others = [
        e.model_copy(update={"polarity": "supports" if shares_words(e.quote, winner.text) else "contradicts"})
        for e in (*loser.evidence, *loser.ended_by)
        if e.polarity == "contradicts"
    ]
    return replace(winner, evidence=_distinct((*winner.evidence, *against(loser), *others)), probability=None)


def ended(base: Draft, by: Draft) -> Draft | None:
    """Return a draft with its end where another begins; none where it did not begin before."""
    end = by.valid_from or by.occurred_at
    if base.valid_from is not None and base.valid_from >= end:
        return None
    return replace(base, validity=Validity(base.valid_from, end), ended_by=(*base.ended_by, *against(by)))


def ends(draft: Draft, target: Target) -> bool:
    """Whether a draft puts an end to what it updates: what itself passes does not, "I am in Rome until Sunday"."""
    if not overlap(draft, target):
        return False
    until = draft.valid_until
    return until is None or (target.valid_until is not None and target.valid_until <= until)


def against(draft: Target) -> tuple[Evidence, ...]:
    """Return the evidence of a statement as what speaks against another, so that erasing it undoes what it did."""
    return tuple(
        e.model_copy(update={"polarity": "contradicts"}) for e in draft.evidence if e.polarity == "supports"
    )


def _distinct(spans: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return each span once; an observation that speaks for a statement does not speak against it as well."""
    known: dict[tuple[str, str, int, int, str], Evidence] = {}
    supporting = {e.observation_id for e in spans if e.polarity == "supports"}
    for e in spans:
        if e.polarity == "supports" or e.observation_id not in supporting:
            known[e.observation_id, e.part, e.start, e.end, e.polarity] = e
    return tuple(known.values())
