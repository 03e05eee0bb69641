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


@dataclass
class _Line:
    """A version in the making."""

    draft: Draft
    supersedes: list[Proposition] = field(default_factory=list)
    merged: list[int] = field(default_factory=list)
    """Identities of the drafts that went into it."""


def revise(user_id: str, drafts: Sequence[Draft], relations: Sequence[Sequence[Relation]]) -> Revision:
    """Return the revision that drafts and their relations amount to; pure, no model, no store.

    Args:
        user_id: Whose.
        drafts: In the order in which they were proposed.
        relations: For each draft, how it relates to stored propositions and to earlier drafts.
    """
    lines: list[_Line] = []
    revision = Revision()
    for draft, related in zip(drafts, relations, strict=True):
        same = next((r.target for r in related if r.kind == "same"), None)
        if same is not None:
            _reinforce(lines, draft, same)
            continue
        updated = [r.target for r in related if r.kind == "updates"]
        refusal = _refusal(draft, updated)
        if refusal is not None:
            revision.refused.append(refusal)
            continue
        taken = {p.id for line in lines for p in line.supersedes}
        superseded = [t for t in updated if isinstance(t, Proposition) and t.id not in taken]
        for target in updated:
            if isinstance(target, Draft):
                superseded += _withdrawn(lines, target)
        lines.append(_Line(draft, superseded, [id(draft)]))
    revision.add = [line.draft.stored(user_id, line.supersedes) for line in lines]
    return revision


def _reinforce(lines: list[_Line], draft: Draft, same: Proposition | Draft) -> None:
    """Add a draft's evidence to the version in the making of what says the same, starting one where there is none."""
    for line in lines:
        if (isinstance(same, Draft) and id(same) in line.merged) or same in line.supersedes:
            line.draft = _merged(line.draft, draft)
            line.merged.append(id(draft))
            return
    if isinstance(same, Proposition):
        base = Draft(
            text=same.text,
            evidence=same.evidence,
            occurred_at=same.valid_from or draft.occurred_at,
            durability=same.durability,
            standing=same.standing,
            reasoning=same.reasoning,
            topic=same.topic,
            model=same.model,
            prompt_hash=same.prompt_hash,
        )
        lines.append(_Line(_merged(base, draft), [same], [id(draft)]))
    else:  # the earlier draft was refused or merged elsewhere
        lines.append(_Line(draft, [], [id(draft)]))


def _merged(base: Draft, new: Draft) -> Draft:
    spans: dict[tuple[str, int, int, str], Evidence] = {
        (e.observation_id, e.start, e.end, e.polarity): e for e in (*base.evidence, *new.evidence)
    }
    return replace(
        base,
        evidence=tuple(spans.values()),
        standing=max(base.standing, new.standing),
        durability=max(base.durability, new.durability),
    )


def _refusal(draft: Draft, updated: Sequence[Proposition | Draft]) -> Refusal | None:
    ids = tuple(dict.fromkeys(e.observation_id for e in draft.evidence))
    for target in updated:
        if draft.standing is Standing.INFERRED and target.standing > Standing.INFERRED:
            return Refusal(
                draft.text, f"an inference does not override what the user said: {target.text}", ids
            )
        since = target.occurred_at if isinstance(target, Draft) else target.valid_from
        if since is not None and since > draft.occurred_at:
            return Refusal(draft.text, f"a later observation already says otherwise: {target.text}", ids)
    return None


def _withdrawn(lines: list[_Line], draft: Draft) -> list[Proposition]:
    """Take an earlier draft of this batch out of the versions in the making; what it superseded is returned."""
    for line in lines:
        if id(draft) in line.merged:
            lines.remove(line)
            return line.supersedes
    return []
