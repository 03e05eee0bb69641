"""Recall and relate: what a draft has to do with what is held already (GUM, Shaikh et al. 2025, §3).

Similarity settles what it can: the same wording is the same statement and what is far apart is unrelated, without
a model. Only what lies between is asked, as `kinds` does. Of a compound statement that is out of date or denied, it is then asked which of its
parts is meant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from limner.inference import LanguageModel
from limner.memory.records import Proposition
from limner.memory.sameness import near_identical
from limner.profiles.propositions.apart import members, shares_words, together
from limner.profiles.propositions.drafts import Draft, last_said
from limner.profiles.propositions.kinds import Finding, Judge, Notes, RelationKind, judge_for, tells_a_change
from limner.profiles.propositions.validity import overlap

__all__ = ["Candidate", "Parts", "Relation", "RelationKind", "may_matter", "relate"]

_UNRELATED = 0.6
"""The cosine of all-MiniLM-L6-v2 from which on two statements can have anything to do with each other. Of 20 hand-made pairs, those that
say the same lie above .75, and 8 of 9 updates above .66."""
_CHANGED = 0.42
"""The cosine from which on a change can put an end to a statement: "moved to Lisbon and takes the metro" is .51 from "lives in Porto near
the river". Farther away, a small model ends what has nothing to do with the change."""

_TURNED: dict[RelationKind, RelationKind] = {"narrows": "broadens", "broadens": "narrows"}
"""What a relation is seen from the earlier of two notes."""


@dataclass(frozen=True)
class Candidate:
    """Something a draft may be related to: a stored proposition or an earlier draft of the same batch."""

    target: Proposition | Draft
    cosine: float


@dataclass(frozen=True)
class Parts:
    """A compound statement taken apart, in two sentences."""

    stands: str
    """What the other statement leaves as it is."""
    concerned: str
    """What it ends or denies."""


@dataclass(frozen=True)
class Relation:
    """How a draft relates to one candidate."""

    target: Proposition | Draft
    kind: RelationKind
    asked: bool
    """Whether a model had to be asked."""
    because: str = ""
    """Why it is taken to be so, in words."""
    parts: Parts | None = None
    """Where only a part of the target is meant: how the target comes apart."""


async def relate(
    pairs: Sequence[tuple[Draft, Sequence[Candidate]]], model: LanguageModel, prompts: Path | None = None
) -> list[list[Relation]]:
    """Return for each draft its relations to its candidates, unrelated ones left out.

    Args:
        pairs: Drafts with the nearest statements already known, nearest first.
        model: Its `plan` decides how it is asked.
        prompts: Folder of overriding prompt files.

    Raises:
        MalformedOutput: The model left pairs without a label, or its answer did not have the form asked for.
        ModelError: The model failed otherwise.
    """
    settled: list[list[Relation]] = [[] for _ in pairs]
    asked: list[_Asked] = []
    for number, (draft, recalled) in enumerate(pairs):
        # What was over before the other began can neither be the same nor be made out of date by it.
        candidates = [c for c in recalled if overlap(draft, c.target)]
        identical = next((c for c in candidates if near_identical(draft.text, c.target.text, c.cosine)), None)
        if identical is not None:
            settled[number].append(
                Relation(identical.target, "same", asked=False, because="in the same words")
            )
        else:
            asked += [_Asked(number, draft, c) for c in candidates if may_matter(draft, c)]
    if not asked:
        return settled
    judge = judge_for(model, prompts)
    found = await judge.kinds([one.notes for one in asked])
    for one, finding in zip(asked, await _in_parts(asked, found, judge), strict=True):
        if finding.kind != "unrelated":
            settled[one.number].append(finding)
    return settled


@dataclass(frozen=True)
class _Asked:
    """A pair that a model is asked about."""

    number: int
    draft: Draft
    candidate: Candidate

    @property
    def later(self) -> bool:
        """Whether the draft is the later of the two."""
        said = last_said(self.candidate.target)
        return said is None or self.draft.occurred_at >= said

    @property
    def notes(self) -> Notes:
        """The two, in the order in which they were said."""
        known, said = self.candidate.target.text, self.draft.text
        earlier, later = (known, said) if self.later else (said, known)
        return Notes(earlier, later, self.candidate.cosine)

    def relation(self, finding: Finding) -> Relation:
        """Return the finding as seen from the draft."""
        kind = finding.kind if self.later else _TURNED.get(finding.kind, finding.kind)
        return Relation(self.candidate.target, kind, asked=True, because=finding.because)


def may_matter(draft: Draft, candidate: Candidate) -> bool:
    """Whether two statements are near enough for one to say something of the other; a change reaches farther."""
    later = _Asked(0, draft, candidate).notes.later
    return candidate.cosine >= (_CHANGED if tells_a_change(later) else _UNRELATED)


async def _in_parts(asked: Sequence[_Asked], found: Sequence[Finding], judge: Judge) -> list[Relation]:
    """Return the relations, with the parts of compound statements of which only one is meant."""
    relations = [one.relation(finding) for one, finding in zip(asked, found, strict=True)]
    compounds = {
        place: said for place, one in enumerate(asked) if (said := _to_take_apart(one, found[place]))
    }
    questions = [(place, part) for place, said in compounds.items() for part in said]
    if not questions:
        return relations
    notes = [Notes(part, asked[place].draft.text, asked[place].candidate.cosine) for place, part in questions]
    answers = dict(zip(questions, await judge.excluded(notes), strict=True))
    for place in compounds:
        whole = members(asked[place].candidate.target.text)
        meant = [part for part in whole if answers.get((place, part), False)]
        if not meant or len(meant) == len(whole):
            continue
        stands = together([part for part in whole if part not in meant])
        kind = relations[place].kind
        if kind == "unrelated":
            kind = "updates" if tells_a_change(asked[place].draft.text) else "contradicts"
        because = relations[place].because or "one part of it cannot be so any more"
        parts = Parts(stands, together(meant))
        relations[place] = replace(relations[place], kind=kind, parts=parts, because=because)
    return relations


def _to_take_apart(one: _Asked, finding: Finding) -> Sequence[str]:
    """Return the parts of an earlier compound statement that a later one may be news about."""
    whole = members(one.candidate.target.text) if one.later else ()
    if finding.kind in ("updates", "contradicts"):
        return whole
    named = [part for part in whole if shares_words(one.draft.text, part)]
    told = tells_a_change(one.draft.text) and finding.kind == "unrelated"
    return named if told and len(named) < len(whole) else ()
