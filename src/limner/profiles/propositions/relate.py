"""Recall and relate: what a draft has to do with what is held already (GUM, Shaikh et al. 2025, §3).

Similarity settles what it can: the same wording is the same statement and what is far apart is unrelated, without
a model. Only what lies between is asked, and a weak model is asked two yes-or-no questions, compared by log-odds, rather
than for a label: asked for one of three labels it names "updates" for two interests that merely resemble each other.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from limner.errors import MalformedOutput
from limner.inference import LanguageModel, Prompt, load_prompt
from limner.inference.choose import choose
from limner.inference.structured import structured
from limner.memory.records import Proposition
from limner.memory.sameness import near_identical
from limner.profiles.propositions.drafts import Draft, last_said
from limner.profiles.propositions.parts import parts
from limner.profiles.propositions.validity import overlap

__all__ = ["Candidate", "Parts", "Relation", "RelationKind", "Relations", "relate"]

RelationKind = Literal["same", "updates", "contradicts", "narrows", "broadens", "unrelated"]
"""What a draft does to a statement that is known: says it again; puts an end to it; denies that it is so at the same time;
says it more exactly; says less than it; nothing."""

_MAYBE_SAME = 0.7
_UNRELATED = 0.6
"""Cosines of all-MiniLM-L6-v2 from which two statements can be the same, and can have anything to do with each other. Of 20 hand-made pairs, those that say the same lie above .75, and 8 of 9 updates above .66."""
_CHANGED = 0.35
"""The cosine from which on a change can put an end to a statement: "moved to Lisbon and takes the metro" is .46 from "lives in Porto near
the river". Of 14 hand-made changes 13 lie above it, and of 16 pairs that only look like changes 8."""
_REPLACES_ABOVE = -0.2
_FAR_REPLACES_ABOVE = 0.0
_SAME_ABOVE = 0.3
"""Log-odds of yes, set on 20 hand-made pairs (the far ones on 30); a wrong *replaces* loses a true statement, so it is the strict one."""

_CHANGE = re.compile(
    r"\b(?:moved|left|quit|stopped|started|gave|given|switched|changed|sold|bought|cancel+ed|graduated|retired|joined|lost|died|"
    r"broke up|divorced|married|no longer|any ?more|instead|now|again|since)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Candidate:
    """Something a draft may be related to: a stored proposition or an earlier draft of the same batch."""

    target: Proposition | Draft
    cosine: float


@dataclass(frozen=True)
class Relation:
    """How a draft relates to one candidate."""

    target: Proposition | Draft
    kind: RelationKind
    asked: bool
    """Whether a model had to be asked."""
    because: str = ""
    """Why it is taken to be so, in words."""
    parts: "Parts | None" = None
    """Where only a part of the target is meant: how the target comes apart."""


@dataclass(frozen=True)
class Parts:
    """A compound statement taken apart, in two sentences."""

    stands: str
    """What the other statement leaves as it is."""
    concerned: str
    """What it ends or denies."""


class RelationLabel(BaseModel):
    """One label of a batch call."""

    model_config = ConfigDict(extra="forbid")

    pair: int
    relation: RelationKind


class Relations(BaseModel):
    """The answer to a batch call."""

    model_config = ConfigDict(extra="forbid")

    labels: list[RelationLabel] = Field(max_length=200)


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
    open_pairs: list[tuple[int, Draft, Candidate]] = []
    for number, (draft, recalled) in enumerate(pairs):
        # What was over before the other began can neither be the same nor be made out of date by it.
        candidates = [c for c in recalled if overlap(draft, c.target)]
        identical = next((c for c in candidates if near_identical(draft.text, c.target.text, c.cosine)), None)
        if identical is not None:
            settled[number].append(Relation(identical.target, "same", asked=False))
        else:
            open_pairs += [(number, draft, c) for c in candidates if _may_matter(draft, c)]
    if not open_pairs:
        return settled
    if model.plan == "batch":
        kinds = await _in_few_calls(open_pairs, model, load_prompt("profiles/propositions/relate", prompts))
    else:
        replaces = load_prompt("profiles/propositions/replaces", prompts)
        same = load_prompt("profiles/propositions/same", prompts)
        kinds = [await _asked(draft, candidate, model, replaces, same) for _, draft, candidate in open_pairs]
    for (number, _, candidate), kind in zip(open_pairs, kinds, strict=True):
        if kind != "unrelated":
            settled[number].append(Relation(candidate.target, kind, asked=True))
    return settled


async def _asked(
    draft: Draft, candidate: Candidate, model: LanguageModel, replaces: Prompt, same: Prompt
) -> RelationKind:
    earlier, later = _in_order(draft, candidate.target)
    above = _REPLACES_ABOVE if candidate.cosine >= _UNRELATED else _FAR_REPLACES_ABOVE
    if await _yes(model, replaces, earlier, later, above):
        return "updates"
    may_be_same = candidate.cosine >= _MAYBE_SAME
    return "same" if may_be_same and await _yes(model, same, earlier, later, _SAME_ABOVE) else "unrelated"


def _may_matter(draft: Draft, candidate: Candidate) -> bool:
    """Whether two statements are near enough for one to say something of the other; a change reaches farther."""
    later = _in_order(draft, candidate.target)[1]
    return candidate.cosine >= (_CHANGED if _CHANGE.search(later) else _UNRELATED)


async def _yes(model: LanguageModel, prompt: Prompt, earlier: str, later: str, above: float) -> bool:
    messages = prompt.messages(earlier=earlier, later=later)
    choice = await choose(model, messages, ["yes", "no"], stage="relate", method="loglik")
    return choice.log_odds > above


async def _in_few_calls(
    pairs: Sequence[tuple[int, Draft, Candidate]], model: LanguageModel, prompt: Prompt
) -> list[RelationKind]:
    notes = [_in_order(draft, candidate.target) for _, draft, candidate in pairs]
    lines = [_line(number, *pair) for number, pair in enumerate(notes, start=1)]
    frame = prompt.messages(pairs="")
    kinds: list[RelationKind] = []
    for part in await parts(lines, model, frame=frame, schema=Relations, answer_tokens=_answer_tokens):
        labels, _ = await _labels(notes[part], model, prompt)
        missing = [place for place in range(len(notes[part])) if place not in labels]
        if missing:
            # Taken for unrelated, what contradicts each other would stand side by side; so these are asked again.
            again, raw = await _labels([notes[part][place] for place in missing], model, prompt)
            if len(again) < len(missing):
                unlabelled = len(missing) - len(again)
                raise MalformedOutput(f"{unlabelled} of {len(missing)} pairs were left without a label.", raw)
            labels |= {place: again[position] for position, place in enumerate(missing)}
        kinds += [labels[place] for place in range(len(notes[part]))]
    return kinds


async def _labels(
    notes: Sequence[tuple[str, str]], model: LanguageModel, prompt: Prompt
) -> tuple[dict[int, RelationKind], str]:
    """Return the labels of pairs by their place, and the answer; labels of pairs that are not there are left out."""
    lines = [_line(number, *pair) for number, pair in enumerate(notes, start=1)]
    messages = prompt.messages(pairs="\n".join(lines))
    answer = await structured(
        model, messages, Relations, stage="relate", max_tokens=_answer_tokens(len(notes))
    )
    labels = {label.pair - 1: label.relation for label in answer.labels if 1 <= label.pair <= len(notes)}
    return labels, answer.model_dump_json()


def _line(number: int, earlier: str, later: str) -> str:
    return f"[{number}] earlier: {earlier} | later: {later}"


def _answer_tokens(pairs: int) -> int:
    return 40 + 24 * pairs


def _in_order(draft: Draft, target: Proposition | Draft) -> tuple[str, str]:
    return (target.text, draft.text) if _is_later(draft, target) else (draft.text, target.text)


def _is_later(draft: Draft, target: Proposition | Draft) -> bool:
    said = last_said(target)
    return said is None or draft.occurred_at >= said
