"""Revise: what becomes of drafts, given their relations (GUM, Shaikh et al. 2025, §3, with supersession instead of overwriting).

- *same*: the evidence is added to what is held, in a new version. Whatever else says the same is merged into it.
- *narrows*, *broadens*: the more exact of the two stays, with the evidence of both.
- *updates*: the draft begins where the other ends; that gets a next version with an end in the user's world, and both stay in one
  line. Only where nothing is left of the other's time does the draft take its place. Where news are about one part of a compound
  statement, this comes apart: one part ends, the other stands. What comes in late ends where the newer truth begins.
- *contradicts*: what stands higher stays, and the other is counted against it or gives way. Between equals both stay, each with the other's
  evidence against it, until one is outweighed; said a month apart or more, the later one ends the earlier.

What the user stated is never overridden by an inference, and what they confirmed is never merged away, narrowed or split.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from limner.memory.records import Proposition, Standing
from limner.profiles.propositions.apart import allotted
from limner.profiles.propositions.drafts import Draft, Refusal, last_said
from limner.profiles.propositions.relate import Parts, Relation
from limner.profiles.propositions.validity import Validity, overlap
from limner.profiles.propositions.versions import (
    Line,
    Target,
    again,
    against,
    among,
    current,
    ended,
    ends,
    joined,
    opposed,
    overruling,
    saying,
    versions,
)

__all__ = ["Revision", "revise"]

_CHANGES_OF_MIND = timedelta(days=30)
"""From how far apart on two statements that exclude each other are a change, and not a contradiction."""


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


def revise(user_id: str, drafts: Sequence[Draft], relations: Sequence[Sequence[Relation]]) -> Revision:
    """Return the revision that drafts and their relations amount to; pure, no model, no store.

    Args:
        user_id: Whose.
        drafts: In the order in which they were proposed.
        relations: For each draft, how it relates to stored propositions and to earlier drafts.
    """
    batch = _Batch()
    for draft, related in zip(drafts, relations, strict=True):
        batch.take(draft, related)
    revision = Revision(refused=batch.refused)
    for version, why in versions(user_id, batch.lines):
        revision.add.append(version)
        revision.reasons[version.id] = why
    return revision


class _Batch:
    """The revision as far as it has got."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.refused: list[Refusal] = []
        self._overruled: dict[int, list[Relation]] = {}
        """What each refused draft would have updated or contradicted, by its identity."""

    def take(self, proposed: Draft, related: Sequence[Relation]) -> None:
        """Let one draft have its effect."""
        related = [self._in_time(proposed, r) for r in related]
        same = self._home(proposed, related)
        line = saying(self.lines, same)
        if line is not None and not overlap(proposed, line.draft):
            line, same = None, None  # it was over, and is so again
            related = [*related, *self._overtaking(related)]
        elif line is None and same is not None:
            related = [*related, *self._overruled.get(id(same), ()), *self._overtaking(related)]
        clashing = [r for r in related if r.kind == "contradicts"]
        if self._outranked(proposed, clashing, related):
            return
        if line is None:
            line = self._begun(proposed, same, [r for r in related if r.kind == "updates"])
            if line is None:
                self._overruled[id(proposed)] = [r for r in related if r.kind in ("updates", "contradicts")]
                return
        else:
            line.draft = joined(line.draft, proposed, standing=self._standing(line, proposed, related))
            line.says.append(proposed)
            line.why.append("said again")
        for relation in related:
            if relation.kind in ("same", "narrows"):
                self._absorb(line, relation)
        for relation in clashing:
            self._contradict(line, relation)

    def _home(self, draft: Draft, related: Sequence[Relation]) -> Target | None:
        """Return in whose words the draft is said already: those of its equal, or of what says more."""
        for relation in related:
            if relation.kind == "same":
                return relation.target
        for relation in related:
            held = current(self.lines, relation.target)
            fits = held.standing >= draft.standing and overlap(draft, held)
            if relation.kind == "broadens" and fits and not self._replaced(relation.target):
                return relation.target
        return None

    @staticmethod
    def _standing(line: Line, draft: Draft, related: Sequence[Relation]) -> Standing | None:
        """Return the standing of a line that takes in a draft: who says less has not said what is more exact."""
        exact = [r.target for r in related if r.kind == "same"]
        return None if any(among(t, line.says) for t in exact) else line.draft.standing

    def _in_time(self, draft: Draft, relation: Relation) -> Relation:
        if relation.kind != "contradicts":
            return relation
        held = current(self.lines, relation.target)
        said = last_said(held)
        apart = said is not None and abs(draft.occurred_at - said) >= _CHANGES_OF_MIND
        if not apart or draft.standing < held.standing:
            return relation
        return replace(relation, kind="updates", because=relation.because or "said long after, and otherwise")

    def _overtaking(self, related: Sequence[Relation]) -> list[Relation]:
        """Return what took the place of a target earlier in this batch: who says the target again, updates that."""
        again_said = [r.target for r in related if r.kind == "same"][:1]
        return [
            Relation(line.says[0], "updates", asked=False, because="it is so again")
            for target in again_said
            for line in self.lines
            if among(target, line.instead_of)
        ]

    def _replaced(self, target: Target) -> bool:
        """Whether something of this batch stands in its place."""
        return saying(self.lines, target) is None and any(
            among(target, line.instead_of) for line in self.lines
        )

    def _outranked(self, draft: Draft, clashing: Sequence[Relation], related: Sequence[Relation]) -> bool:
        """Refuse a draft that contradicts what stands higher; it is counted against what the user has not confirmed."""
        higher = [r for r in clashing if current(self.lines, r.target).standing > draft.standing]
        if not higher:
            return False
        held = current(self.lines, higher[0].target)
        counted = held.standing is not Standing.CONFIRMED
        because = f"{_overriding(draft, held)}{'; it is counted against it' if counted else ''}: {held.text}"
        self.refused.append(Refusal(draft.text, because, _cited(draft)))
        self._overruled[id(draft)] = [r for r in related if r.kind in ("updates", "contradicts")]
        for relation in higher:
            held = current(self.lines, relation.target)
            if held.standing is Standing.CONFIRMED or self._replaced(relation.target):
                continue
            line = self._line_of(relation.target, draft)
            if line is not None:
                line.draft = opposed(line.draft, draft)
                line.why.append(f'contradicted by "{draft.text}", which stands lower')
        return True

    def _line_of(self, target: Target, draft: Draft) -> Line | None:
        """Return the line that says a target, begun where it is a stored one that nothing has touched; none of a refused draft."""
        line = saying(self.lines, target)
        if line is None and isinstance(target, Proposition):
            line = Line(again(target, draft.occurred_at), supersedes=[target], says=[target])
            self.lines.append(line)
        return line

    def _begun(self, proposed: Draft, same: Target | None, updating: Sequence[Relation]) -> Line | None:
        """Begin a line, and end what it updates; none where the draft is refused."""
        updated = [r.target for r in updating]
        refusal = self._overrides(proposed, updated)
        draft = proposed
        if refusal is None:
            draft, refusal = self._before(proposed, updated)
        if refusal is not None:
            self.refused.append(refusal)
            return None
        begun = Line(draft, says=[proposed], instead_of=list(updated))
        if isinstance(same, Proposition):
            exact = again(same, draft.occurred_at)
            known = draft.text == same.text or draft.standing <= same.standing
            begun.draft = joined(exact, draft, standing=None if known else self._same_standing(same, draft))
            begun.says.append(same)
            begun.supersedes.append(same)
            begun.why.append("said again")
        for relation in updating:
            self._end(begun, draft, relation, same)
        begun.instead_of = [t for t in begun.instead_of if not among(t, begun.says)]
        self.lines.append(begun)
        return begun

    @staticmethod
    def _same_standing(same: Proposition, draft: Draft) -> Standing:
        return max(same.standing, draft.standing)

    def _end(self, begun: Line, draft: Draft, relation: Relation, same: Target | None) -> None:
        target = relation.target
        if not ends(draft, current(self.lines, target)):
            return
        if relation.parts is not None:
            self._split(target, relation.parts, draft)
        line = self._line_of(target, draft)
        if line is None:
            return
        begun.supersedes += [p for p in line.supersedes if p not in begun.supersedes and p is not same]
        over = ended(line.draft, draft)
        begun.why.append(
            f'"{line.draft.text}" is so no longer' if over else f'instead of "{line.draft.text}"'
        )
        if over is None:
            begun.instead_of += [*line.says, *line.instead_of]
            begun.after = begun.after or line.after
            begun.draft = overruling(begun.draft, line.draft)
            self.lines.remove(line)
        else:
            line.draft = over
            line.why.append(f'ended by "{draft.text}"')
            begun.after = begun.after or line

    def _split(self, target: Target, parts: Parts, draft: Draft) -> None:
        """Let the line of a compound statement say only the part that is meant; the other part gets a line of its own."""
        held = current(self.lines, target)
        if held.standing is Standing.CONFIRMED or held.text != target.text:
            return
        line = self._line_of(target, draft)
        if line is None:
            return
        whole = line.draft
        stands, concerned = allotted(whole.evidence, parts.stands, parts.concerned)
        why = f'"{whole.text}" came apart'
        line.draft = replace(whole, text=parts.concerned, evidence=concerned, probability=None)
        line.why.append(why)
        rest = replace(whole, text=parts.stands, evidence=stands, probability=None)
        self.lines.append(Line(rest, supersedes=list(line.supersedes), after=line.after, why=[why]))

    def _absorb(self, line: Line, relation: Relation) -> None:
        """Let a line take in another statement that says the same or less."""
        target = relation.target
        other = saying(self.lines, target)
        held = current(self.lines, target)
        if other is line or (other is None and isinstance(target, Draft)) or self._replaced(target):
            return
        if held.standing is Standing.CONFIRMED or held.topic is not None or not overlap(line.draft, held):
            return
        if relation.kind == "narrows" and held.standing > line.draft.standing:
            return
        if held.valid_until is not None and held.valid_until != line.draft.valid_until:
            return
        if other is not None and any(one.after is other for one in self.lines):
            return
        taken = held if isinstance(held, Draft) else again(held, line.draft.occurred_at)
        line.draft = joined(line.draft, taken)
        line.supersedes += [p for p in _superseded(other, target) if p not in line.supersedes]
        line.says += [target] if other is None else other.says
        line.why.append(
            f'{"more exact than" if relation.kind == "narrows" else "says the same as"} "{held.text}"'
        )
        if other is not None:
            line.instead_of += other.instead_of
            line.after = line.after or other.after
            self.lines.remove(other)

    def _contradict(self, line: Line, relation: Relation) -> None:
        """Let two statements that exclude each other know of it; what stands lower, or is outweighed, gives way."""
        target = relation.target
        if among(target, line.says) or self._replaced(target):
            return
        held = current(self.lines, target)
        if not overlap(line.draft, held):
            return
        if relation.parts is not None and held.standing <= line.draft.standing:
            self._split(target, relation.parts, line.draft)
        other = self._line_of(target, line.draft)
        if other is None or other is line:
            return
        mine, theirs = line.draft, other.draft
        line.draft, other.draft = opposed(mine, theirs), opposed(theirs, mine)
        line.why.append(f'contradicts "{theirs.text}"')
        other.why.append(f'contradicted by "{mine.text}"')
        if theirs.standing < mine.standing or (_outweighed(other.draft) and not _outweighed(line.draft)):
            line.draft = overruling(line.draft, theirs)
            line.supersedes += [p for p in other.supersedes if p not in line.supersedes]
            line.instead_of += [*other.says, *other.instead_of]
            line.after = line.after or other.after
            line.why.append(f'instead of "{theirs.text}"')
            self.lines.remove(other)

    def _overrides(self, draft: Draft, updated: Sequence[Target]) -> Refusal | None:
        for target in updated:
            held = current(self.lines, target)  # with what the batch has added to it
            if draft.standing < held.standing:
                return Refusal(draft.text, f"{_overriding(draft, held)}: {held.text}", _cited(draft))
        return None

    def _before(self, draft: Draft, updated: Sequence[Target]) -> tuple[Draft, Refusal | None]:
        """Let a draft end where something begins that was said later; refuse it where nothing is left of it."""
        for target in updated:
            held = current(self.lines, target)
            said, end = last_said(held), held.valid_from
            if said is None or said <= draft.occurred_at or not overlap(draft, held):
                continue
            if not _ends_older(held, draft):
                continue
            if end is None or (draft.valid_from is not None and draft.valid_from >= end):
                because = f"a later observation already says otherwise: {held.text}"
                return draft, Refusal(draft.text, because, _cited(draft))
            draft = replace(
                draft,
                validity=Validity(draft.valid_from, end),
                ended_by=(*draft.ended_by, *against(held)),
            )
        return draft, None


def _superseded(other: Line | None, target: Target) -> Iterable[Proposition]:
    if other is not None:
        return other.supersedes
    return [target] if isinstance(target, Proposition) else []


def _outweighed(draft: Draft) -> bool:
    """Whether more than twice as many observations speak against it as for it; models see contradictions where there are none."""
    count = {
        p: len({e.observation_id for e in draft.evidence if e.polarity == p})
        for p in ("supports", "contradicts")
    }
    return count["contradicts"] > 2 * count["supports"]


def _overriding(draft: Draft, held: Target) -> str:
    lower = "an inference" if draft.standing is Standing.INFERRED else "a passing word"
    higher = "said" if held.standing is Standing.STATED else "confirmed"
    return f"{lower} does not override what the user {higher}"


def _ends_older(later: Target, older: Draft) -> bool:
    return later.valid_until is None or (
        older.valid_until is not None and older.valid_until <= later.valid_until
    )


def _cited(draft: Draft) -> tuple[str, ...]:
    return tuple(dict.fromkeys(e.observation_id for e in draft.evidence))
