"""Thinking of next steps from what is held, and weighing them, by one of two call plans.

`small` asks a weak model three short questions about one note at a time: a step, whether the user would be glad of it, and how much the
note weighs. `batch` asks a strong model about all notes in one call.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from limner.inference import LanguageModel, load_prompt
from limner.inference.choose import choose
from limner.inference.opening import continue_from
from limner.inference.structured import structured
from limner.memory.records import Proposition, Suggestion

__all__ = ["OPENING", "ProposedStep", "ProposedSteps", "Step", "steps"]

STAGE = "suggest"
OPENING = "You could"
_NOTHING = "-"
_GATE = 0.0
"""Log-odds of "You" against "-" above which a note is taken to be worth a suggestion."""
_GLAD_AT, _WEIGHTY_AT = 2.5, 2.0
"""Log-odds, less those of an empty note, at which a suggestion is as likely welcome as not, and a note as likely weighty as not: a small
model says yes too readily. Read off 21 suggestions of the packaged model; see `docs/suggestions.md`."""
_TOKENS = {"small": 60, "batch": 900}
_CONTENT_FREE = "N/A"


class ProposedStep(BaseModel):
    """One step of a batch call."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=10, max_length=400)
    rests_on: list[int] = Field(max_length=10)
    probability: float = Field(ge=0, le=10)
    value: float = Field(ge=1, le=10)
    cost: float = Field(ge=1, le=10)


class ProposedSteps(BaseModel):
    """The answer to a batch call."""

    model_config = ConfigDict(extra="forbid")

    steps: list[ProposedStep] = Field(max_length=10)


@dataclass(frozen=True)
class Step:
    """A next step with what the model thinks of it."""

    text: str
    rests_on: tuple[Proposition, ...]
    probability: float
    """That the user is glad of it, 0 to 1."""
    value: float
    """How much it helps then, 1 to 10."""
    cost: float | None
    """What the model thinks that interrupting costs, 1 to 10; none where it was not asked."""
    prompt_hash: str


async def steps(
    notes: Sequence[Proposition],
    past: Sequence[Suggestion],
    model: LanguageModel,
    now: datetime,
    prompts: Path | None = None,
) -> list[Step]:
    """Return the steps that a model thinks of, refused by nobody yet.

    Args:
        notes: What they may rest on.
        past: What was suggested before.
        model: Its `plan` decides how it is asked.
        now: With a time zone.
        prompts: Folder of overriding prompt files.

    Raises:
        ModelError: The model failed.
    """
    if not notes:
        return []
    if model.plan == "batch":
        return await _in_one_call(notes, past, model, now, prompts)
    found = [await _from_one(note, model, prompts) for note in notes]
    return [step for step in found if step is not None]


async def _from_one(note: Proposition, model: LanguageModel, prompts: Path | None) -> Step | None:
    prompt = load_prompt("profiles/suggestions/step", prompts)
    asked = prompt.messages(note=note.text)
    worth = await choose(model, asked, ["You", _NOTHING], stage=STAGE, method="loglik")
    if worth.log_odds <= _GATE:
        return None
    text = await continue_from(model, asked, OPENING, stage=STAGE, max_tokens=_TOKENS["small"])
    if text is None or not re.search(r"\w", text.removeprefix(OPENING)):
        return None
    helps = load_prompt("profiles/suggestions/helps", prompts)
    glad = await choose(
        model,
        helps.messages(note=note.text, suggestion=text),
        ["yes", "no"],
        stage=STAGE,
        method="loglik",
        neutral=helps.messages(note=_CONTENT_FREE, suggestion=_CONTENT_FREE),
    )
    weighs = load_prompt("profiles/suggestions/weighs", prompts)
    weight = await choose(
        model,
        weighs.messages(note=note.text),
        ["weighty", "light"],
        stage=STAGE,
        method="loglik",
        neutral=weighs.messages(note=_CONTENT_FREE),
    )
    value = 1 + 9 * _share(weight.log_odds, _WEIGHTY_AT)
    return Step(text, (note,), _share(glad.log_odds, _GLAD_AT), value, None, prompt.hash)


async def _in_one_call(
    notes: Sequence[Proposition],
    past: Sequence[Suggestion],
    model: LanguageModel,
    now: datetime,
    prompts: Path | None,
) -> list[Step]:
    prompt = load_prompt("profiles/suggestions/steps", prompts)
    listed = "\n".join(
        f"[{number}] {note.text} (confidence {note.confidence:g}, {note.observed_at or note.recorded_at:%Y-%m-%d})"
        for number, note in enumerate(notes, start=1)
    )
    before = "\n".join(f"- {one.text} ({one.state})" for one in past[-20:]) or "nothing"
    asked = prompt.messages(today=f"{now:%A %Y-%m-%d}", before=before, notes=listed)
    answer = await structured(model, asked, ProposedSteps, stage=STAGE, max_tokens=_TOKENS["batch"])
    return [
        Step(
            " ".join(one.text.split()),
            tuple(notes[n - 1] for n in dict.fromkeys(one.rests_on) if 1 <= n <= len(notes)),
            one.probability / 10,
            one.value,
            one.cost,
            prompt.hash,
        )
        for one in answer.steps
    ]


def _share(log_odds: float, even: float) -> float:
    """Return a probability: one half at log-odds of `even`; an answer without odds counts as three to one."""
    bounded = math.copysign(math.log(3), log_odds) if math.isinf(log_odds) else log_odds - even
    return 1 / (1 + math.exp(-bounded))
