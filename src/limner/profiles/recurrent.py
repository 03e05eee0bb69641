"""A portrait that grows block by block: the last one goes into the next block's.

After MLLM-MSR's recurrent inference of a user's preferences (Ye et al. 2025, "Harnessing Multimodal Large Language Models for
Multimodal Sequential Recommendation", arXiv 2408.09698). It is drawn from what was observed, without a reflection. After a block the
portrait is stored with a list of all that was read for it, so a later draw reads only what is new; and forgetting an observation takes
every portrait that had read it, and leaves the last one before.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Self

from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field

from limner.inference import LanguageModel, Prompt, load_prompt
from limner.inference.choose import choose
from limner.inference.opening import continue_from
from limner.inference.prompts import quoted
from limner.inference.structured import structured
from limner.memory.records import Evidence, Observation, Portrait, PortraitLine, Proposition, new_id, utc_now
from limner.memory.user import UserMemory
from limner.profiles.blocks import Block, Piece, blocks, content_words, evidence_for
from limner.profiles.propositions.orders import gives_orders, may_address_the_keeper, speaks_of_the_user
from limner.profiles.propositions.propose import strangers
from limner.profiles.propositions.sentences import sentences

if TYPE_CHECKING:
    from limner.profiles.registry import Means

__all__ = ["RecurrentPortraitist", "RewrittenLine", "RewrittenPortrait"]

_LINES = 8
"""Most sentences of the portrait; two of them become one before there is another."""
_OPENING, _NOTHING = "The user", "-"
_GATE = 0.5
"""Log-odds of "The user" against "-" above which a block is taken to tell something. Of blocks of three of PrefEval's odd half, those
with a preference lay above 1.4 and those with none at .25 and below."""
_PIECES = {"small": 3, "batch": 40}
_TOKENS = {"small": 300, "batch": 3000}
_ANSWER = {"small": 90, "batch": 900}
_ALIKE = 0.3
"""Share of common words from which two sentences are about the same thing, and the later one is written into the earlier."""
_LONGEST = 320
"""Characters of a sentence; a longer one is a list that a weak model did not know how to end."""
_KEPT = 16
"""Portraits that one draw keeps at most, evenly spread over its blocks: each lists all that was read for it."""
_CONFIDENCE = 5.0
"""Of a sentence that nobody has weighed."""


class RewrittenLine(BaseModel):
    """One sentence of a batch call."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=3, max_length=400)
    rests_on: list[int] = Field(min_length=1, max_length=40)


class RewrittenPortrait(BaseModel):
    """The answer to a batch call."""

    model_config = ConfigDict(extra="forbid")

    sentences: list[RewrittenLine] = Field(max_length=12)


class RecurrentPortraitist:
    """Reads what was observed in blocks, oldest first, and carries the portrait from one to the next.

    What arrives late, though it happened before, is read next. What limner said is no evidence about the user and is passed over. The
    sentences are in English whatever the language of the history; where the model writes nothing that its sources bear out, a line is the
    user's own words instead.

    Args:
        model: Asked by its `plan`: one sentence for each small block, or a portrait written anew for each large one.
        prompts: Folder of overriding prompt files.
    """

    kind = "recurrent"

    def __init__(self, model: LanguageModel, prompts: Path | None = None) -> None:
        self._model = model
        self._prompts = prompts

    @classmethod
    def of(cls, means: "Means") -> Self:
        """Return one that draws with the model; the entry point names this."""
        return cls(means.model, means.settings.prompts)

    async def draw(self, user: UserMemory, task: str | None = None) -> Portrait:
        """Return the portrait, with all blocks read that are new since the last one; it is stored already.

        Without anything observed it has no lines, nothing is asked and nothing is stored.

        Args:
            user: Whose.
            task: What it is for, in words; each task has a portrait of its own. Small blocks are read alike for all tasks.

        Raises:
            ModelError: The model failed; what was read until then is stored.
            StaleClaim: Something that was read was forgotten meanwhile; draw again.
        """
        last = await to_thread.run_sync(lambda: user.portrait(self.kind, task=task))
        seen = await to_thread.run_sync(user.read_for, last.id) if last else set[str]()
        new = await to_thread.run_sync(_unread, user, seen)
        lines = await to_thread.run_sync(_not_denied, user, last.lines if last else ())
        if last is not None and not new and lines == last.lines:
            return last
        with self._model.ledger.stage(user=user.user_id):
            return await self._grown(user, task, lines, seen, new)

    async def _grown(
        self,
        user: UserMemory,
        task: str | None,
        lines: tuple[PortraitLine, ...],
        seen: set[str],
        new: Sequence[Observation],
    ) -> Portrait:
        writer = (
            _Batch(self._model, self._prompts, task)
            if self._model.plan == "batch"
            else _Small(self._model, self._prompts)
        )
        left_out = await writer.left_out(new)
        cut = await to_thread.run_sync(
            lambda: blocks(
                new,
                most=writer.pieces,
                budget=writer.budget,
                count_tokens=self._model.count_tokens,
                left_out=left_out,
            )
        )
        portrait = Portrait(user_id=user.user_id, kind=self.kind, task=task, lines=lines)
        stride = -(-len(cut) // _KEPT)
        read = set(seen)
        for number, block in enumerate(cut, start=1):
            started = utc_now()
            lines = await to_thread.run_sync(_not_denied, user, await writer.read(lines, block))
            read |= {piece.observation.id for piece in block.pieces}
            if number == len(cut):
                read |= {observation.id for observation in new}  # those without a word to read, too
            if number == len(cut) or (block.whole and number % stride == 0):
                portrait = self._portrait(user, task, lines, writer.prompt, started)
                await to_thread.run_sync(user.save_portrait, portrait, read)
        if not cut and (new or seen):
            portrait = self._portrait(user, task, lines, writer.prompt, utc_now())
            await to_thread.run_sync(user.save_portrait, portrait, read | {o.id for o in new})
        return portrait

    def _portrait(
        self,
        user: UserMemory,
        task: str | None,
        lines: tuple[PortraitLine, ...],
        prompt: Prompt,
        started: datetime,
    ) -> Portrait:
        return Portrait(
            user_id=user.user_id,
            kind=self.kind,
            task=task,
            lines=lines,
            drawn_at=started,
            model=self._model.name,
            prompt_hash=prompt.hash,
        )


class _Small:
    """Asks a weak model for one sentence a block, and for one where two are about the same thing."""

    pieces, budget = _PIECES["small"], _TOKENS["small"]

    def __init__(self, model: LanguageModel, prompts: Path | None) -> None:
        self._model = model
        self.prompt = load_prompt("profiles/recur", prompts)
        self._carry = load_prompt("profiles/carry", prompts)
        self._orders = load_prompt("profiles/propositions/orders", prompts)

    async def left_out(self, new: Sequence[Observation]) -> set[str]:
        """Return the sentences that pose as notes, or give orders to whoever keeps them."""
        found = set()
        for text in dict.fromkeys(s.text for o in new for s in sentences(o.text)):
            if speaks_of_the_user(text) or (
                may_address_the_keeper(text) and await gives_orders(text, self._model, self._orders)
            ):
                found.add(text)
        return found

    async def read(self, lines: tuple[PortraitLine, ...], block: Block) -> tuple[PortraitLine, ...]:
        """Return the lines after a block."""
        line = await self._said(block)
        if line is None:
            return lines
        alike = _most_alike([(old, line) for old in lines], _ALIKE)
        if alike is not None:
            joined = await self._joined(*alike)
            return (*(old for old in lines if old != alike[0]), joined or line)
        grown = (*lines, line)
        while len(grown) > _LINES:
            earlier, later = _most_alike(list(combinations(grown, 2)), 0.0) or grown[:2]
            joined = await self._joined(earlier, later)
            grown = (*(one for one in grown if one not in (earlier, later)), joined or later)
        return grown

    async def _said(self, block: Block) -> PortraitLine | None:
        messages = self.prompt.messages(new=block.text)
        choice = await choose(self._model, messages, [_OPENING, _NOTHING], stage="recur", method="loglik")
        if choice.index == 1 if choice.scores is None else choice.log_odds <= _GATE:
            return None
        text = await continue_from(
            self._model, messages, _OPENING, stage="recur", max_tokens=_ANSWER["small"]
        )
        if text and len(text) <= _LONGEST and not strangers(text, block.text):
            return _line(text, evidence_for(text, block.pieces))
        return _own_words(block.pieces)

    async def _joined(self, earlier: PortraitLine, later: PortraitLine) -> PortraitLine | None:
        messages = self._carry.messages(earlier=earlier.text, later=later.text)
        text = await continue_from(
            self._model, messages, _OPENING, stage="recur", max_tokens=_ANSWER["small"]
        )
        if not text or len(text) > _LONGEST or strangers(text, f"{earlier.text} {later.text}"):
            return None
        return _line(text, (*earlier.evidence, *later.evidence))


class _Batch:
    """Asks a strong model to write the portrait anew after each block."""

    pieces, budget = _PIECES["batch"], _TOKENS["batch"]

    def __init__(self, model: LanguageModel, prompts: Path | None, task: str | None) -> None:
        self._model = model
        self._task = task or "know this user"
        self.prompt = load_prompt("profiles/recur_all", prompts)

    async def left_out(self, new: Sequence[Observation]) -> set[str]:
        """Return the sentences that pose as notes; orders are the business of the prompt."""
        return {s.text for o in new for s in sentences(o.text) if speaks_of_the_user(s.text)}

    async def read(self, lines: tuple[PortraitLine, ...], block: Block) -> tuple[PortraitLine, ...]:
        """Return the lines after a block; one that names what it does not cite is left out, and all as they were if none is left."""
        known = "\n".join(f"[{n}] {line.text}" for n, line in enumerate(lines, start=1))
        first = len(lines) + 1
        new = "\n".join(f"[{n}] {piece.text}" for n, piece in enumerate(block.pieces, start=first))
        messages = self.prompt.messages(lines=_LINES, task=self._task, known=known, new=new)
        written = await structured(
            self._model, messages, RewrittenPortrait, stage="recur", max_tokens=_ANSWER["batch"]
        )
        found = [self._line(one, lines, block.pieces) for one in written.sentences]
        return tuple(line for line in found if line is not None)[:_LINES] or lines

    def _line(
        self, one: RewrittenLine, lines: Sequence[PortraitLine], read: Sequence[Piece]
    ) -> PortraitLine | None:
        numbers = [n - 1 for n in dict.fromkeys(one.rests_on) if 1 <= n <= len(lines) + len(read)]
        old = [lines[n] for n in numbers if n < len(lines)]
        new = [read[n - len(lines)] for n in numbers if n >= len(lines)]
        source = " ".join([*(line.text for line in old), *(piece.text for piece in new)])
        if not numbers or not one.text.startswith(_OPENING) or strangers(one.text, source):
            return None
        spans = (*(e for line in old for e in line.evidence), *(piece.evidence for piece in new))
        return _line(one.text, spans)


def _unread(user: UserMemory, seen: Collection[str]) -> list[Observation]:
    """Return what was observed since; what an application only showed them is nothing that they said or did."""
    return [
        o
        for o in user.observations()
        if o.author != "assistant" and o.id not in seen and (o.event is None or o.event.kind != "shown")
    ]


def _not_denied(user: UserMemory, lines: tuple[PortraitLine, ...]) -> tuple[PortraitLine, ...]:
    """Return the lines without those that say what the user said is not so."""
    said = [_statement(user.user_id, line) for line in lines]
    refused = user.refused(said) if said else {}
    return tuple(line for line, one in zip(lines, said, strict=True) if one.id not in refused)


def _statement(user_id: str, line: PortraitLine) -> Proposition:
    id = new_id()
    return Proposition(
        id=id,
        group=id,
        user_id=user_id,
        text=line.text,
        confidence=_CONFIDENCE,
        durability=5,
        evidence=line.evidence,
    )


def _most_alike(
    pairs: Sequence[tuple[PortraitLine, PortraitLine]], least: float
) -> tuple[PortraitLine, PortraitLine] | None:
    """Return the pair with the largest share of common words, if it has at least so many."""
    likeness = [(_shared(one.text, other.text), -place) for place, (one, other) in enumerate(pairs)]
    best = max(likeness, default=(-1.0, 0))
    return pairs[-best[1]] if best[0] >= least else None


def _shared(one: str, other: str) -> float:
    mine, theirs = content_words(one), content_words(other)
    return len(mine & theirs) / (len(mine | theirs) or 1)


def _own_words(read: Sequence[Piece]) -> PortraitLine:
    """Return the longest piece as the user's own words: what no faithful sentence came for is not lost."""
    piece = max(read, key=lambda one: len(one.text))
    words = piece.text if len(piece.text) <= _LONGEST else f"{piece.text[: _LONGEST - 1]}…"
    return _line(f"The user said: {quoted(words)}", [piece.evidence])


def _line(text: str, spans: Sequence[Evidence]) -> PortraitLine:
    return PortraitLine(text=text, evidence=tuple(dict.fromkeys(spans)))
