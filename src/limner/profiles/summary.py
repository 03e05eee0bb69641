"""Task-aware summaries, drawn ahead of time (Richardson et al. 2023, arXiv 2310.20081, §3).

Where the paper summarises raw history, this summarises propositions, so that every sentence of the summary
carries the propositions and through them the evidence it rests on.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field

from limner.inference import LanguageModel, Prompt, load_prompt
from limner.inference.structured import structured
from limner.memory.records import Portrait, PortraitLine, Proposition, utc_now
from limner.memory.user import UserMemory
from limner.profiles.propositions.portraitist import lines_of
from limner.profiles.propositions.propose import strangers
from limner.profiles.redrawing import mended, since

if TYPE_CHECKING:
    from limner.profiles.registry import Means

__all__ = ["SummaryPortraitist", "SummarySentence", "WrittenSummary"]

REDRAW = 0.25
"""Share of its evidence that may change before a summary is drawn anew, unless the settings say otherwise."""
_SENTENCES = 6
_PER_SENTENCE = 3
"""Notes that the small plan merges into one sentence: more, and a weak model drops some."""
_NOTES = 24
"""Propositions that a summary is drawn from: pinned ones, then the most relevant to its task, or else the surest."""


class SummarySentence(BaseModel):
    """One sentence of a batch call."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=3, max_length=400)
    notes: list[int] = Field(min_length=1, max_length=8)


class WrittenSummary(BaseModel):
    """The answer to a batch call."""

    model_config = ConfigDict(extra="forbid")

    sentences: list[SummarySentence] = Field(max_length=12)


class SummaryPortraitist:
    """Draws a summary in a few sentences; keeps to the last one while what it rests on stands.

    Args:
        model: Asked by its `plan`: one merging call a sentence, or one call for all of it.
        prompts: Folder of overriding prompt files.
        redraw: Share of its evidence that may change before it is drawn anew (`settings.summary_redraw`).
    """

    kind = "summary"

    def __init__(self, model: LanguageModel, prompts: Path | None = None, redraw: float = REDRAW) -> None:
        self._model = model
        self._prompts = prompts
        self._redraw = redraw

    @classmethod
    def of(cls, means: "Means") -> Self:
        """Return one that draws with the model; the entry point names this."""
        return cls(means.model, means.settings.prompts, means.settings.summary_redraw)

    async def draw(self, user: UserMemory, task: str | None = None) -> Portrait:
        """Return the summary for a task: the stored one while too little has changed since, else a new one.

        The stored one says nothing that is held no longer: a sentence of which a part is gone gives way to the notes that are
        left. `drawn_at` tells when it was drawn, and `changes` what has changed since.

        Args:
            user: Whose.
            task: What it is for, in words; none for a general one.

        Raises:
            ModelError: The model failed; nothing was stored.
        """
        started = utc_now()
        notes = await to_thread.run_sync(_notes, user, task)
        last = await to_thread.run_sync(lambda: user.portrait(self.kind, task=task))
        if last is not None:
            changed = await to_thread.run_sync(since, user, last, notes)
            if changed.stands(self._redraw):
                return await to_thread.run_sync(mended, last, changed, user)
        with self._model.ledger.stage(user=user.user_id):
            batch = self._model.plan == "batch"
            prompt = load_prompt("profiles/summarise" if batch else "profiles/merge", self._prompts)
            lines = await (self._in_one_call(notes, task, prompt) if batch else self._merged(notes, prompt))
        return Portrait(
            user_id=user.user_id,
            kind=self.kind,
            task=task,
            lines=lines,
            drawn_at=started,  # what is learnt while the model writes is not in it
            model=self._model.name,
            prompt_hash=prompt.hash,
        )

    async def _merged(self, notes: Sequence[Proposition], prompt: Prompt) -> tuple[PortraitLine, ...]:
        lines: list[PortraitLine] = []
        for start in range(0, len(notes), _PER_SENTENCE):
            group = notes[start : start + _PER_SENTENCE]
            if len(group) == 1:
                lines += lines_of(list(group))
                continue
            listed = "\n".join(f"- {p.text}" for p in group)
            text = await self._model.acomplete(
                prompt.messages(notes=listed), stage="summarise", max_tokens=160
            )
            text = text.strip().split("\n")[0]
            if text.startswith("The user") and text.endswith(".") and not strangers(text, listed):
                lines.append(_line(text, group))
            else:  # each note by itself is true; a merger that adds to them is not
                lines += lines_of(list(group))
        return tuple(lines)

    async def _in_one_call(
        self, notes: Sequence[Proposition], task: str | None, prompt: Prompt
    ) -> tuple[PortraitLine, ...]:
        if not notes:
            return ()
        numbered = "\n".join(
            f"[{n}] {p.text} (confidence {p.confidence:g})" for n, p in enumerate(notes, start=1)
        )
        messages = prompt.messages(sentences=_SENTENCES, task=task or "know this user", notes=numbered)
        written = await structured(self._model, messages, WrittenSummary, stage="summarise", max_tokens=900)
        lines = []
        for sentence in written.sentences:
            cited = [notes[n - 1] for n in dict.fromkeys(sentence.notes) if 1 <= n <= len(notes)]
            if cited and not strangers(sentence.text, " ".join(p.text for p in cited)):
                lines.append(_line(sentence.text, cited))
        return tuple(lines) or lines_of(list(notes[:_SENTENCES]))


def _notes(user: UserMemory, task: str | None) -> list[Proposition]:
    held = user.propositions()
    order = {line.propositions[0]: place for place, line in enumerate(lines_of(held))}
    if task is None or len(held) <= _NOTES:
        return sorted(held, key=lambda p: order[p.id])[:_NOTES]
    found = user.search(task, _NOTES, kinds=("proposition",))
    pinned = [p for p in held if p.pinned_at is not None]
    relevant = [r.record for r in found if isinstance(r.record, Proposition) and r.record.pinned_at is None]
    return [*pinned, *relevant][:_NOTES]


def _line(text: str, rests_on: Sequence[Proposition]) -> PortraitLine:
    """Return a sentence with everything it rests on; it is as sure as the least sure of its notes."""
    return PortraitLine(
        text=text,
        confidence=min(p.confidence for p in rests_on),
        propositions=tuple(p.id for p in rests_on),
        evidence=tuple(e for p in rests_on for e in p.evidence),
    )
