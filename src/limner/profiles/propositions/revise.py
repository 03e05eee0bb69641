"""Revise: what becomes of drafts, given their relations (GUM, Shaikh et al. 2025, §3, with supersession instead of overwriting).

A draft that says the same as something held adds its evidence to it, in a new version; one that updates something takes its
place, as the next version of the same line; anything else starts a line of its own. What the user stated is never
overridden by an inference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from limner.memory.records import Evidence, Proposition, Standing
from limner.profiles.propositions.drafts import Draft, Refusal
from limner.profiles.propositions.relate import Relation

__all__ = ["Revision", "revise"]

Target = Proposition | Draft
"""What a draft is related to: something stored, or an earlier draft."""


@dataclass
class Revision:
    """What shall be stored, retired and refused."""

    add: list[Proposition] = field(default_factory=list)
    retire: dict[str, str] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)

    def __iadd__(self, other: "Revision") -> "Revision":
        self.add += other.add
        self.retire |= other.retire
        self.refused += other.refused
        return self


@dataclass(eq=False)
class _Line:
    """A version in the making."""

    draft: Draft
    supersedes: list[Proposition] = field(default_factory=list)
    says: list[Target] = field(default_factory=list)
    """The drafts that went into it, and the stored version that it says again."""
    instead_of: list[Target] = field(default_factory=list)
    """What it takes the place of."""


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
    for draft, related in zip(drafts, relations, strict=True):
        same = next((r.target for r in related if r.kind == "same"), None)
        line = _saying(lines, same)
        if line is not None:
            line.draft = _merged(line.draft, draft)
            line.says.append(draft)
            continue
        if same is None:
            updated = [r.target for r in related if r.kind == "updates"]
        else:
            updated = [*_overtaking(lines, same), *overruled.get(id(same), ())]
        refusal = _refusal(lines, draft, updated)
        if refusal is not None:
            revision.refused.append(refusal)
            overruled[id(draft)] = updated
            continue
        lines.append(_begun(lines, draft, same, updated))
    revision.add = [line.draft.stored(user_id, line.supersedes) for line in lines]
    return revision


def _among(target: Target, targets: Sequence[Target]) -> bool:
    """Whether it is one of these: drafts are compared by identity, since two may say and rest on the same."""
    return any(target is t or (isinstance(t, Proposition) and target == t) for t in targets)


def _saying(lines: Sequence[_Line], target: Target | None) -> _Line | None:
    return next((line for line in lines if target is not None and _among(target, line.says)), None)


def _overtaking(lines: Sequence[_Line], target: Target) -> list[Target]:
    """Return what took the place of a target earlier in this batch: who says the target again, updates that."""
    return [line.draft for line in lines if _among(target, line.instead_of)]


def _begun(lines: list[_Line], draft: Draft, same: Target | None, updated: Sequence[Target]) -> _Line:
    """Return a new line; lines of this batch that it overtakes are taken out of `lines`."""
    begun = _Line(draft, says=[draft], instead_of=list(updated))
    overtaken = [line for line in lines if _among(line.draft, updated) or _says_any(line, updated)]
    lines[:] = [line for line in lines if line not in overtaken]
    for line in overtaken:
        begun.supersedes += line.supersedes
        begun.instead_of += [*line.says, *line.instead_of]
    if isinstance(same, Proposition):
        begun.draft = _merged(_again(same, draft), draft)
        begun.says.append(same)
        begun.instead_of = [t for t in begun.instead_of if t != same]
    taken = {p.id for line in (*lines, begun) for p in line.supersedes}
    replaced = [*updated, *([same] if same is not None else [])]
    begun.supersedes += [t for t in replaced if isinstance(t, Proposition) and t.id not in taken]
    return begun


def _says_any(line: _Line, targets: Sequence[Target]) -> bool:
    return any(_among(target, line.says) for target in targets)


def _again(held: Proposition, draft: Draft) -> Draft:
    """Return a stored proposition as a draft, to be stored again with more evidence."""
    return Draft(
        text=held.text,
        evidence=held.evidence,
        occurred_at=held.valid_from or draft.occurred_at,
        durability=held.durability,
        standing=held.standing,
        reasoning=held.reasoning,
        topic=held.topic,
        model=held.model,
        prompt_hash=held.prompt_hash,
    )


def _merged(base: Draft, new: Draft) -> Draft:
    spans: dict[tuple[str, int, int, str], Evidence] = {
        (e.observation_id, e.start, e.end, e.polarity): e for e in (*base.evidence, *new.evidence)
    }
    return replace(
        base,
        evidence=tuple(spans.values()),
        occurred_at=max(base.occurred_at, new.occurred_at),
        standing=max(base.standing, new.standing),
        durability=max(base.durability, new.durability),
    )


def _refusal(lines: Sequence[_Line], draft: Draft, updated: Sequence[Target]) -> Refusal | None:
    ids = tuple(dict.fromkeys(e.observation_id for e in draft.evidence))
    for target in updated:
        line = _saying(lines, target)
        current = line.draft if line is not None else target  # with what the batch has added to it
        if draft.standing < current.standing:
            lower = "an inference" if draft.standing is Standing.INFERRED else "a passing word"
            higher = "said" if current.standing is Standing.STATED else "confirmed"
            return Refusal(
                draft.text, f"{lower} does not override what the user {higher}: {current.text}", ids
            )
        since = current.occurred_at if isinstance(current, Draft) else current.valid_from
        if since is not None and since > draft.occurred_at:
            return Refusal(draft.text, f"a later observation already says otherwise: {current.text}", ids)
    return None
