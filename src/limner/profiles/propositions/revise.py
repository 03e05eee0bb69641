"""Revise: what becomes of drafts, given their relations (GUM, Shaikh et al. 2025, §3, with supersession instead of overwriting).

A draft that says the same as something held adds its evidence to it, in a new version. One that updates something
begins where that ends: the other gets a next version with an end in the user's world, and both stay in one line; only where
nothing is left of the other's time does the draft take its place. An older observation that comes in later ends where the
newer truth begins. What the user stated is never overridden by an inference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from limner.memory.records import Evidence, Proposition, Standing
from limner.profiles.propositions.drafts import Draft, Refusal, last_said
from limner.profiles.propositions.relate import Relation
from limner.profiles.propositions.validity import Validity, overlap

__all__ = ["Revision", "revise"]

Target = Proposition | Draft
"""What a draft is related to: something stored, or an earlier draft."""


@dataclass
class Revision:
    """What shall be stored, retired and refused."""

    add: list[Proposition] = field(default_factory=list)
    retire: dict[str, str] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    """Why each of `add` is as it is, in words, by its id; for whoever shows it, and not stored."""

    def __iadd__(self, other: "Revision") -> "Revision":
        self.add += other.add
        self.retire |= other.retire
        self.refused += other.refused
        self.reasons |= other.reasons
        return self


@dataclass(eq=False)
class _Line:
    """A version in the making."""

    draft: Draft
    supersedes: list[Proposition] = field(default_factory=list)
    says: list[Target] = field(default_factory=list)
    """The drafts that went into it, and the stored version that it says again."""
    instead_of: list[Target] = field(default_factory=list)
    """What it takes the place of, from when it begins."""
    after: "_Line | None" = None
    """Another version of this batch, of the same line, that ends where this one begins."""


def revise(user_id: str, drafts: Sequence[Draft], relations: Sequence[Sequence[Relation]]) -> Revision:
    """Return the revision that drafts and their relations amount to; pure, no model, no store.

    Args:
        user_id: Whose.
        drafts: In the order in which they were proposed.
        relations: For each draft, how it relates to stored propositions and to earlier drafts.
    """
    lines: list[_Line] = []
    revision = Revision()
    overruled: dict[int, list[Target]] = {}  # what each refused draft would have updated, by its identity
    for proposed, related in zip(drafts, relations, strict=True):
        draft = proposed
        same = next((r.target for r in related if r.kind == "same"), None)
        line = _saying(lines, same)
        if line is not None and overlap(draft, line.draft):
            line.draft = _merged(line.draft, draft)
            line.says.append(proposed)
            continue
        if same is None:
            updated = [r.target for r in related if r.kind == "updates"]
        else:
            updated = [*_overtaking(lines, same), *overruled.get(id(same), ())]
        if line is not None:  # it was over, and is so again
            same = None
        refusal = _overrides(lines, draft, updated)
        if refusal is None:
            draft, refusal = _before(lines, draft, updated)
        if refusal is not None:
            revision.refused.append(refusal)
            overruled[id(proposed)] = updated
            continue
        lines.append(_begun(lines, draft, proposed, same, updated))
    revision.add = _versions(user_id, lines)
    return revision


def _versions(user_id: str, lines: Sequence[_Line]) -> list[Proposition]:
    stored: dict[int, Proposition] = {}
    for line in lines:
        version = line.draft.stored(user_id, line.supersedes)
        before = line.after
        while before is not None and id(before) not in stored:
            before = before.after
        if not line.supersedes and before is not None:
            version = version.model_copy(update={"group": stored[id(before)].group})
        stored[id(line)] = version
    return list(stored.values())


def _among(target: Target, targets: Sequence[Target]) -> bool:
    """Whether it is one of these: drafts are compared by identity, since two may say and rest on the same."""
    return any(target is t or (isinstance(t, Proposition) and target == t) for t in targets)


def _saying(lines: Sequence[_Line], target: Target | None) -> _Line | None:
    return next((line for line in lines if target is not None and _among(target, line.says)), None)


def _overtaking(lines: Sequence[_Line], target: Target) -> list[Target]:
    """Return what took the place of a target earlier in this batch: who says the target again, updates that."""
    return [line.says[0] for line in lines if _among(target, line.instead_of)]


def _current(lines: Sequence[_Line], target: Target) -> Target:
    """Return a target as the batch has left it."""
    line = _saying(lines, target)
    return target if line is None else line.draft


def _begun(
    lines: list[_Line], draft: Draft, proposed: Draft, same: Target | None, updated: Sequence[Target]
) -> _Line:
    """Return a new line; those that it updates get their end, or are taken out of `lines` where nothing is left of them."""
    begun = _Line(draft, says=[proposed], instead_of=list(updated))
    if isinstance(same, Proposition):
        begun.draft = _merged(_again(same, draft), draft)
        begun.says.append(same)
        begun.supersedes.append(same)
    for target in updated:
        line = _saying(lines, target)
        if not _ends(draft, target if line is None else line.draft):
            continue
        if line is None and isinstance(target, Proposition):
            line = _Line(_again(target, draft), supersedes=[target], says=[target])
            lines.append(line)
        if line is None:
            continue  # a draft that was refused
        begun.supersedes += [p for p in line.supersedes if p not in begun.supersedes and p is not same]
        ended = _ended(line.draft, draft)
        if ended is None:
            begun.instead_of += [*line.says, *line.instead_of]
            begun.after = begun.after or line.after
            lines.remove(line)
        else:
            line.draft = ended
            begun.after = begun.after or line
    begun.instead_of = [t for t in begun.instead_of if not _among(t, begun.says)]
    return begun


def _ends(draft: Draft, target: Target) -> bool:
    """Whether a draft puts an end to what it updates: what itself passes does not, "I am in Rome until Sunday"."""
    if not overlap(draft, target):
        return False
    until = draft.valid_until
    return until is None or (target.valid_until is not None and target.valid_until <= until)


def _ended(base: Draft, by: Draft) -> Draft | None:
    """Return a draft with its end where another begins; none where it did not begin before."""
    end = by.valid_from or by.occurred_at
    if base.valid_from is not None and base.valid_from >= end:
        return None
    return replace(base, validity=Validity(base.valid_from, end), ended_by=(*base.ended_by, *_against(by)))


def _against(draft: Draft | Proposition) -> tuple[Evidence, ...]:
    """Return the evidence of a draft as what speaks against something else, so that erasing it undoes the end."""
    return tuple(
        e.model_copy(update={"polarity": "contradicts"}) for e in draft.evidence if e.polarity == "supports"
    )


def _again(held: Proposition, draft: Draft) -> Draft:
    """Return a stored proposition as a draft, to be stored again with more evidence or with an end."""
    over = held.valid_until is not None
    return Draft(
        text=held.text,
        evidence=tuple(e for e in held.evidence if not over or e.polarity == "supports"),
        ended_by=tuple(e for e in held.evidence if over and e.polarity == "contradicts"),
        occurred_at=last_said(held) or draft.occurred_at,
        validity=Validity(held.valid_from, held.valid_until),
        durability=held.durability,
        standing=held.standing,
        reasoning=held.reasoning,
        probability=held.confidence / 10,
        topic=held.topic,
        model=held.model,
        prompt_hash=held.prompt_hash,
    )


def _merged(base: Draft, new: Draft) -> Draft:
    spans: dict[tuple[str, str, int, int, str], Evidence] = {
        (e.observation_id, e.part, e.start, e.end, e.polarity): e for e in (*base.evidence, *new.evidence)
    }
    begins = [base.valid_from, new.valid_from]
    until = base.valid_until
    if new.valid_until is not None and (until is None or new.occurred_at >= base.occurred_at):
        until = new.valid_until  # the later word on when it ends
    return replace(
        base,
        evidence=tuple(spans.values()),
        occurred_at=max(base.occurred_at, new.occurred_at),
        validity=Validity(None if None in begins else min(b for b in begins if b is not None), until),
        standing=max(base.standing, new.standing),
        durability=max(base.durability, new.durability),
        probability=None,
    )


def _overrides(lines: Sequence[_Line], draft: Draft, updated: Sequence[Target]) -> Refusal | None:
    for target in updated:
        current = _current(lines, target)  # with what the batch has added to it
        if draft.standing < current.standing:
            lower = "an inference" if draft.standing is Standing.INFERRED else "a passing word"
            higher = "said" if current.standing is Standing.STATED else "confirmed"
            because = f"{lower} does not override what the user {higher}: {current.text}"
            return Refusal(draft.text, because, _cited(draft))
    return None


def _before(lines: Sequence[_Line], draft: Draft, updated: Sequence[Target]) -> tuple[Draft, Refusal | None]:
    """Let a draft end where something begins that was said later; refuse it where nothing is left of it."""
    for target in updated:
        current = _current(lines, target)
        said, end = last_said(current), current.valid_from
        if said is None or said <= draft.occurred_at or not overlap(draft, current):
            continue
        if not _ends_older(current, draft):
            continue
        if end is None or (draft.valid_from is not None and draft.valid_from >= end):
            because = f"a later observation already says otherwise: {current.text}"
            return draft, Refusal(draft.text, because, _cited(draft))
        draft = replace(
            draft,
            validity=Validity(draft.valid_from, end),
            ended_by=(*draft.ended_by, *_against(current)),
        )
    return draft, None


def _ends_older(later: Target, older: Draft) -> bool:
    return later.valid_until is None or (
        older.valid_until is not None and older.valid_until <= later.valid_until
    )


def _cited(draft: Draft) -> tuple[str, ...]:
    return tuple(dict.fromkeys(e.observation_id for e in draft.evidence))
