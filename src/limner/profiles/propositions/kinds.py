"""Deciding what a later note does to an earlier one, by one of two call plans.

A strong model gets one call with many pairs and names a label for each. A weak one names "updates" for two interests that
merely resemble each other when it is asked for a label, so it is asked yes-or-no questions and only the log-odds are read:
whether both say the *same*, whether the longer one is the shorter one more *exactly*, whether the later one *replaces* the earlier
one, and whether the two *clash*. Of the last two neither alone tells much; their sum does.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from limner.errors import MalformedOutput
from limner.inference import LanguageModel, Prompt, load_prompt
from limner.inference.choose import choose
from limner.inference.structured import structured
from limner.inference.together import together
from limner.memory.sameness import opposite
from limner.profiles.propositions.apart import says_more, shares_half
from limner.profiles.propositions.parts import parts

__all__ = ["Finding", "Judge", "Notes", "RelationKind", "Relations", "judge_for", "tells_a_change"]

RelationKind = Literal["same", "updates", "contradicts", "narrows", "broadens", "unrelated"]
"""What a draft does to a statement that is known: says it again; puts an end to it; denies that it is so at the same time;
says it more exactly; says less than it; nothing."""

_AT_ONCE = 8
"""Pairs that are asked about at the same time."""
_NEAR = 0.6
_MAYBE_SAME = 0.7
_SAME_ABOVE = 0.7
_EXACT_ABOVE = 0.7
_MORE_THAN_EXCLUDED = 1.0
_EXCLUDES_ABOVE = -0.3
_FAR_EXCLUDES_ABOVE = -0.2
_CONTRADICTS_ABOVE = 0.3
"""Log-odds, and sums of two; set on one half of benchmarks/note_pairs.jsonl. In docs/revision.md stands what they do on the other half."""
_PLAIN = 10
"""Words up to which a statement is plain enough for a small model to tell a contradiction, or that it is said in other words; in longer ones it
goes by mood and subject."""
_NOTHING_ALIKE = -2.0
"""Log-odds of *same* below which one is never the other more exactly; without log-odds, a plain no tells nothing of that."""

_CHANGE = re.compile(
    r"\b(?:moved|left|quit|stop+ed|started|gave|given?\s+up|switched|changed|sold|bought|cancel+ed|graduated|retired|joined|lost|died|"
    r"broke\s+up|divorced|married|no\s+longer|any\s?more|instead|now|again|since|dropped|hired|became|returned|(?:came|come|is)\s+back|"
    r"finished|passed|got\s+over|got\s+rid|these\s+days|used\s+to|gone\s+off|is\s+getting|has\s+begun|began|learned|learnt|recovered|broken)\b",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"\b(?:wants?|plans?|planning|hopes?|hoping|would\s+like|wishes|intends?|preparing|looking\s+for|thinking\s+of|dreams?\s+of|going\s+to|"
    r"pregnant)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Notes:
    """Two notes about one user, in the order in which they were said."""

    earlier: str
    later: str
    cosine: float


@dataclass(frozen=True)
class Finding:
    """What the later note does to the earlier one, and what that is taken from, in words."""

    kind: RelationKind
    because: str = ""


_NOTHING = Finding("unrelated")


class Judge(Protocol):
    """Says what later notes do to earlier ones."""

    async def kinds(self, pairs: Sequence[Notes]) -> list[Finding]:
        """Return a finding for each pair."""

    async def excluded(self, pairs: Sequence[Notes]) -> list[bool]:
        """Return for each pair whether the later note excludes the earlier one, at the same time or from then on."""


def judge_for(model: LanguageModel, prompts: Path | None = None) -> Judge:
    """Return how this model is asked, as its `plan` says."""
    if model.plan == "batch":
        return _InFewCalls(model, load_prompt("profiles/propositions/relate", prompts))
    return _OneByOne(model, prompts)


def tells_a_change(text: str) -> bool:
    """Whether a note has a word by which people tell that something is otherwise now."""
    return _CHANGE.search(text) is not None


class _OneByOne:
    """Asks a weak model one question at a time, and no more than it takes."""

    def __init__(self, model: LanguageModel, prompts: Path | None) -> None:
        self._model = model
        self._same = load_prompt("profiles/propositions/same", prompts)
        self._exact = load_prompt("profiles/propositions/exact", prompts)
        self._replaces = load_prompt("profiles/propositions/replaces", prompts)
        self._clash = load_prompt("profiles/propositions/clash", prompts)

    async def kinds(self, pairs: Sequence[Notes]) -> list[Finding]:
        return await together([partial(self._kind, pair) for pair in pairs], at_once=_AT_ONCE)

    async def excluded(self, pairs: Sequence[Notes]) -> list[bool]:
        asked = [partial(self._exclusion, pair) for pair in pairs]
        return [odds > _FAR_EXCLUDES_ABOVE for odds in await together(asked, at_once=_AT_ONCE)]

    async def _kind(self, pair: Notes) -> Finding:
        alike: float | None = None
        if pair.cosine >= _MAYBE_SAME:
            alike = await self._odds(self._same, pair.earlier, pair.later)
            if alike > _SAME_ABOVE and _may_be_same(pair):
                return Finding("same", f"both say the same (log-odds {alike:.1f})")
        exclusion = await self._exclusion(pair)
        exact: float | None = None
        if pair.cosine >= _NEAR and (alike is None or alike > _NOTHING_ALIKE or math.isinf(alike)):
            exact = await self._exactness(pair)
        return decided(pair, exclusion, exact)

    async def _exclusion(self, pair: Notes) -> float:
        replaces = await self._odds(self._replaces, pair.earlier, pair.later)
        return replaces + await self._odds(self._clash, pair.earlier, pair.later)

    async def _exactness(self, pair: Notes) -> float:
        shorter, longer = sorted((pair.earlier, pair.later), key=len)
        return await self._odds(self._exact, shorter, longer)

    async def _odds(self, prompt: Prompt, earlier: str, later: str) -> float:
        messages = prompt.messages(earlier=earlier, later=later)
        choice = await choose(self._model, messages, ["yes", "no"], stage="relate", method="loglik")
        return choice.log_odds


def _may_be_same(pair: Notes) -> bool:
    """Whether a small model may be believed that two notes say the same: in long ones it goes by the subject alone."""
    plain = max(len(pair.earlier.split()), len(pair.later.split())) <= _PLAIN
    alike = shares_half(pair.earlier, pair.later) and shares_half(pair.later, pair.earlier)
    return (plain or alike) and not opposite(pair.earlier, pair.later)


def decided(pair: Notes, exclusion: float, exact: float | None) -> Finding:
    """Return what the log-odds amount to, where the two do not say the same.

    Args:
        pair: The notes.
        exclusion: Log-odds that the later replaces the earlier, and that the two clash, added up.
        exact: Log-odds that the longer one says the shorter one more exactly; none where that was not asked.
    """
    change = tells_a_change(pair.later)
    come_true = _WISH.search(pair.earlier) is not None and _WISH.search(pair.later) is None
    shorter, longer = sorted((pair.earlier, pair.later), key=len)
    on_it = exact is not None and exact > _EXACT_ABOVE
    if on_it and come_true and shares_half(pair.earlier, pair.later):
        return Finding("updates", f"what was wished for or planned has come about (log-odds {exact:.1f})")
    # A small model finds whatever is on the same subject more exact, and what is taken in is seen no more.
    more_exact = on_it and not change and says_more(shorter, longer)
    if more_exact and exact is not None and exact - exclusion > _MORE_THAN_EXCLUDED:
        kind: RelationKind = "narrows" if len(pair.later) > len(pair.earlier) else "broadens"
        which = "later" if kind == "narrows" else "earlier"
        return Finding(kind, f"the {which} one says it more exactly (log-odds {exact:.1f})")
    if change and exclusion > (_EXCLUDES_ABOVE if pair.cosine >= _NEAR else _FAR_EXCLUDES_ABOVE):
        return Finding("updates", f"the later one tells of a change (log-odds {exclusion:.1f})")
    if not change and exclusion > _CONTRADICTS_ABOVE and len(longer.split()) <= _PLAIN:
        return Finding("contradicts", f"both cannot be so at once (log-odds {exclusion:.1f})")
    return _NOTHING


class RelationLabel(BaseModel):
    """One label of a batch call."""

    model_config = ConfigDict(extra="forbid")

    pair: int
    relation: RelationKind


class Relations(BaseModel):
    """The answer to a batch call."""

    model_config = ConfigDict(extra="forbid")

    labels: list[RelationLabel] = Field(max_length=200)


class _InFewCalls:
    """Asks a strong model about as many pairs at once as fit."""

    def __init__(self, model: LanguageModel, prompt: Prompt) -> None:
        self._model = model
        self._prompt = prompt

    async def excluded(self, pairs: Sequence[Notes]) -> list[bool]:
        return [finding.kind in ("updates", "contradicts") for finding in await self.kinds(pairs)]

    async def kinds(self, pairs: Sequence[Notes]) -> list[Finding]:
        lines = [_line(number, pair) for number, pair in enumerate(pairs, start=1)]
        frame = self._prompt.messages(pairs="")
        found: list[Finding] = []
        for part in await parts(
            lines, self._model, frame=frame, schema=Relations, answer_tokens=_answer_tokens
        ):
            labels, _ = await self._labels(pairs[part])
            missing = [place for place in range(len(pairs[part])) if place not in labels]
            if missing:
                # Taken for unrelated, what contradicts each other would stand side by side; so these are asked again.
                again, raw = await self._labels([pairs[part][place] for place in missing])
                if len(again) < len(missing):
                    unlabelled = len(missing) - len(again)
                    raise MalformedOutput(
                        f"{unlabelled} of {len(missing)} pairs were left without a label.", raw
                    )
                labels |= {place: again[position] for position, place in enumerate(missing)}
            found += [_found(labels[place]) for place in range(len(pairs[part]))]
        return found

    async def _labels(self, pairs: Sequence[Notes]) -> tuple[dict[int, RelationKind], str]:
        """Return the labels of pairs by their place, and the answer; labels of pairs that are not there are left out."""
        lines = [_line(number, pair) for number, pair in enumerate(pairs, start=1)]
        answer = await structured(
            self._model,
            self._prompt.messages(pairs="\n".join(lines)),
            Relations,
            stage="relate",
            max_tokens=_answer_tokens(len(pairs)),
        )
        labels = {label.pair - 1: label.relation for label in answer.labels if 1 <= label.pair <= len(pairs)}
        return labels, answer.model_dump_json()


def _found(kind: RelationKind) -> Finding:
    return _NOTHING if kind == "unrelated" else Finding(kind, "as the model labelled the two")


def _line(number: int, pair: Notes) -> str:
    return f"[{number}] earlier: {pair.earlier} | later: {pair.later}"


def _answer_tokens(pairs: int) -> int:
    return 40 + 24 * pairs
