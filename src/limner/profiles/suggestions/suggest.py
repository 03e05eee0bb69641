"""From what is held to a few suggestions, each weighed against the cost of interrupting."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from limner.errors import InputError
from limner.inference import Encoder, LanguageModel
from limner.memory.lexical import tokenize
from limner.memory.records import Proposition, Suggestion, utc_now
from limner.memory.sameness import near_identical
from limner.memory.user import UserMemory
from limner.profiles.propositions.propose import strangers
from limner.profiles.suggestions.choosing import worth_a_thought
from limner.profiles.suggestions.pace import allowance, interruption_cost
from limner.profiles.suggestions.sensitive import sensitive_kinds
from limner.profiles.suggestions.steps import OPENING, Step, steps
from limner.settings import Settings

__all__ = ["PassedOver", "Suggested", "suggest"]

_LIKE_BEFORE = 0.88
"""Cosine from which a suggestion is one that was made before, in other words."""
_NOTHING_NEW = 0.34
"""Share of its words that a suggestion must have beyond the notes it rests on; else it says them again."""
_SHORTEST = 4
"""Letters of a word that may say something."""
_Vector: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class PassedOver:
    """A step that the model thought of and that is not offered."""

    text: str
    because: str
    propositions: tuple[Proposition, ...] = ()
    benefit: float | None = None
    """Expected, 0 to 10; none where it was refused before it was weighed."""
    cost: float | None = None


@dataclass(frozen=True)
class Suggested:
    """What came of asking for suggestions."""

    offered: tuple[Suggestion, ...] = ()
    """Best first; stored as `offered`."""
    passed_over: tuple[PassedOver, ...] = ()
    declined: str | None = None
    """Why nothing is offered; none where something is."""
    again_at: datetime | None = None
    """When asking again may bring something, where that is known."""


async def suggest(
    user: UserMemory,
    model: LanguageModel,
    encoder: Encoder,
    settings: Settings,
    *,
    k: int = 1,
    prompts: Path | None = None,
) -> Suggested:
    """Offer at most `k` next steps whose expected benefit exceeds the cost of interrupting; nothing is done.

    The expected benefit is the probability that the user is glad of it times how much it helps then. Sensitive matters are not brought
    up, neither in what a step rests on nor in its words.

    Args:
        user: Whose.
        model: Thinks of the steps and weighs them.
        encoder: Tells what was suggested before in other words.
        settings: `suggest_per_day`, `suggest_interval_h`, `suggest_cost` and `suggest_from`.
        k: Most of them; the day's allowance may be less.
        prompts: Folder of overriding prompt files.

    Raises:
        InputError: `k` is less than 1.
        ModelError: The model failed; nothing was stored.
        StaleClaim: Something was forgotten, or suggested, meanwhile; nothing was stored.
    """
    if k < 1:
        raise InputError(f"k is at least 1; not {k}.")
    now = utc_now()
    if await to_thread.run_sync(user.is_paused):
        return Suggested(declined="recording is paused, so that nobody could know what was suggested")
    past = await to_thread.run_sync(user.suggestions)
    allowed = allowance(past, settings, now)
    if not allowed.left:
        return Suggested(declined=allowed.because, again_at=allowed.again_at)
    held = await to_thread.run_sync(user.propositions)
    notes = await to_thread.run_sync(worth_a_thought, held, past, encoder, now, settings.suggest_from)
    if not notes:
        return Suggested(declined=_no_notes(held))
    with model.ledger.stage(user=user.user_id):
        thought_of = await steps(notes, past, model, now, prompts)
    fresh, refused = await to_thread.run_sync(_fresh, thought_of, past, encoder)
    base = interruption_cost(past, settings, now)
    weighed = sorted(((step, max(base, step.cost or 0)) for step in fresh), key=_surplus, reverse=True)
    worth = [one for one in weighed if _surplus(one) > 0]
    taken = worth[: min(k, allowed.left)]
    offered = tuple(_suggestion(user.user_id, step, cost, model.name, now) for step, cost in taken)
    if offered:
        await to_thread.run_sync(lambda: user.save_suggestions(offered, after=len(past)))
    passed = (*(_passed(*one, worth) for one in weighed if one not in taken), *refused)
    return Suggested(offered, passed, None if offered else _nothing(thought_of, fresh))


def _surplus(weighed: tuple[Step, float]) -> float:
    step, cost = weighed
    return step.probability * step.value - cost


def _fresh(
    thought_of: Sequence[Step], past: Sequence[Suggestion], encoder: Encoder
) -> tuple[list[Step], list[PassedOver]]:
    """Return the steps that rest on something and are new, and the others with the reason."""
    fresh: list[Step] = []
    refused: list[PassedOver] = []
    if not thought_of:
        return fresh, refused
    texts = [one.text for one in past] + [one.text for one in thought_of]
    vectors = encoder.encode_documents(texts)
    known = [(one.text, vector) for one, vector in zip(past, vectors, strict=False)]
    kinds = sensitive_kinds([one.text for one in thought_of], encoder)
    for step, touched, vector in zip(thought_of, kinds, vectors[len(past) :], strict=True):
        because = _wrong_with(step, touched) or _made_before(step.text, vector, known)
        if because is None:
            fresh.append(step)
            known.append((step.text, vector))
        else:
            refused.append(PassedOver(step.text, because, step.rests_on))
    return fresh, refused


def _wrong_with(step: Step, touched: Sequence[str]) -> str | None:
    if not step.rests_on:
        return "it cites nothing that is held"
    source = " ".join(one.text for one in step.rests_on)
    if unknown := strangers(step.text, source):
        return f"it names what it does not rest on: {', '.join(unknown)}"
    if touched:
        return f"it brings up {', '.join(touched)} unasked"
    words = _content(step.text.removeprefix(OPENING))
    if len(words - _content(source)) <= _NOTHING_NEW * len(words):
        return "it says again what is known"
    return None


def _content(text: str) -> set[str]:
    return {stem for stem in tokenize(text) if len(stem) >= _SHORTEST}


def _made_before(text: str, vector: _Vector, known: Sequence[tuple[str, _Vector]]) -> str | None:
    for before, other in known:
        cosine = float(vector @ other)
        if cosine >= _LIKE_BEFORE or near_identical(text, before, cosine):
            return f"it was suggested before: {before}"
    return None


def _suggestion(user_id: str, step: Step, cost: float, model: str, now: datetime) -> Suggestion:
    return Suggestion(
        user_id=user_id,
        text=step.text,
        probability=step.probability,
        value=step.value,
        cost=cost,
        propositions=tuple(one.id for one in step.rests_on),
        made_at=now,  # what is forgotten while the model thinks must not come back in it
        model=model,
        prompt_hash=step.prompt_hash,
    )


def _passed(step: Step, cost: float, worth: Sequence[tuple[Step, float]]) -> PassedOver:
    benefit = step.probability * step.value
    better = any(one is step for one, _ in worth)
    because = "others are worth more" if better else "it is not worth the interruption"
    return PassedOver(step.text, because, step.rests_on, benefit, cost)


def _no_notes(held: Sequence[Proposition]) -> str:
    if not held:
        return "nothing is concluded yet: `reflect` draws conclusions from what was observed"
    return "all that is held was used before, or is nothing to bring up unasked"


def _nothing(thought_of: Sequence[Step], fresh: Sequence[Step]) -> str:
    if not thought_of:
        return "no step was thought of that would help"
    return "nothing is worth the interruption now" if fresh else "nothing new was thought of"
