"""Gathering what speaks for and against telling statements: words, the encoder, and three small questions to the model."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
from anyio import to_thread

from limner.inference import LanguageModel, load_prompt
from limner.inference.choose import Choice, choose
from limner.inference.encoder import Encoder
from limner.profiles.sharing.kinds import Kind, about_others, gives_orders, kinds_by_words, relations
from limner.profiles.sharing.norms import opened_kinds
from limner.profiles.sharing.prototypes import Nearness, Prototypes, nearest
from limner.profiles.sharing.requests import Request
from limner.profiles.sharing.signals import Signals, denial

__all__ = ["Judge"]

STAGE = "audit"
_ASKED: dict[str, Kind | None] = {
    "health": Kind.HEALTH,
    "money": Kind.FINANCES,
    "love": Kind.SEXUALITY,
    "faith": Kind.RELIGION,
    "politics": Kind.POLITICS,
    "origin": Kind.ETHNICITY,
    "place": Kind.WHEREABOUTS,
    "crime": Kind.CRIME,
    "number": Kind.IDENTIFIERS,
    "family": Kind.FAMILY,
    "work": Kind.WORK,
    "others": Kind.THIRD_PERSON,
    "none": None,
}
"""The answers to the question for the kind: short words whose first tokens differ."""

_Question = Callable[[str, Signals], Awaitable[Signals]]


class Judge:
    """Finds the signals of statements about one user for one request after another.

    Args:
        model: Whom to ask.
        encoder: What the statements are compared with examples by.
        prompts: Folder of overriding prompt files.
        everything: Whether each question is put about each statement, denied already or not; for measuring.
    """

    def __init__(
        self, model: LanguageModel, encoder: Encoder, prompts: Path | None = None, *, everything: bool = False
    ) -> None:
        self._model, self._encoder, self._everything = model, encoder, everything
        self._kind, self._private, self._needed = (
            load_prompt(f"profiles/sharing/{name}", prompts) for name in ("kind", "private", "needed")
        )

    async def signals(self, request: Request, statements: Sequence[str]) -> list[Signals]:
        """Return the signals of each statement; one that is denied already is not asked about any further.

        The model is asked one question about all statements before the next one, so that each prompt's beginning is
        computed once.

        Raises:
            ModelError: The model failed, or gave no usable answer.
        """
        if not statements:
            return []
        near = await to_thread.run_sync(lambda: Prototypes.of(self._encoder).nearness(statements))
        found = [_at_sight(request, text, near) for text, near in zip(statements, near, strict=True)]

        async def needed(text: str, so_far: Signals) -> Signals:
            messages = self._needed.messages(recipient=request.recipient, purpose=request.purpose, note=text)
            return replace(so_far, needed=(await self._yes_or_no(messages)).log_odds)

        questions: tuple[_Question, ...] = (self._ask_kind, self._ask_private, needed)
        for question in questions:
            open_to = [n for n, one in enumerate(found) if self._everything or denial(one) is None]
            await _each(question, statements, found, open_to)
        return found

    async def _ask_kind(self, text: str, so_far: Signals) -> Signals:
        messages = self._kind.messages(note=text)
        choice = await choose(self._model, messages, list(_ASKED), stage=STAGE, method="loglik")
        guessed, odds = _closed_odds(choice, so_far.opened)
        return replace(so_far, guessed=guessed, kind=odds)

    async def _ask_private(self, text: str, so_far: Signals) -> Signals:
        choice = await self._yes_or_no(self._private.messages(note=text))
        return replace(so_far, private=choice.log_odds)

    async def _yes_or_no(self, messages: Sequence[object]) -> Choice:
        return await choose(self._model, messages, ["yes", "no"], stage=STAGE, method="loglik")  # type: ignore[arg-type]


def _at_sight(request: Request, text: str, near: Nearness) -> Signals:
    opened = opened_kinds(request, text)
    others = about_others(text)
    named = relations(f"{request.recipient} {request.purpose}")
    if others and not request.suspect and relations(text) & named:
        # The request itself is about this person: a gift for a niece needs what the niece likes.
        others, opened = False, opened | {Kind.THIRD_PERSON}
    kind, distance = nearest(near, opened)
    return Signals(gives_orders(text), others, kinds_by_words(text), opened, kind, distance)


def _closed_odds(choice: Choice, opened: frozenset[Kind]) -> tuple[Kind | None, float]:
    """Return the likeliest kind that is not opened, and the log-odds of all of these against harmless or opened ones."""
    kinds = list(_ASKED.values())
    closed = [kind is not None and kind not in opened for kind in kinds]
    if choice.scores is None:
        return kinds[choice.index], math.inf if closed[choice.index] else -math.inf
    mass = {True: 0.0, False: 0.0}
    for score, shut in zip(choice.scores, closed, strict=True):
        mass[shut] += math.exp(score)
    likeliest = max((n for n, shut in enumerate(closed) if shut), key=choice.scores.__getitem__)
    if not mass[True] or not mass[False]:
        return kinds[likeliest], math.inf if mass[True] else -math.inf
    return kinds[likeliest], math.log(mass[True]) - math.log(mass[False])


async def _each(
    question: _Question, statements: Sequence[str], found: list[Signals], places: Sequence[int]
) -> None:
    """Ask about the statements at these places; the first alone, as what it has in common with others is cached then."""

    async def ask(place: int) -> None:
        found[place] = await question(statements[place], found[place])

    for place in places[:1]:
        await ask(place)
    try:
        async with anyio.create_task_group() as group:
            for place in places[1:]:
                group.start_soon(ask, place)
    except BaseExceptionGroup as failed:
        first: BaseException = failed
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from failed
