"""A seeker that a language model plays by a portrait: code says what is said, the model in which words, and code reads it again."""

import random
import re
from collections.abc import Sequence
from pathlib import Path

from langchain_core.messages import AIMessage

from limner.agents.simulators.clues import clues_of, gist_of
from limner.agents.simulators.faults import (
    Fault,
    contradictions,
    out_of_part,
    repeats,
    takes,
    titles_of,
    turns_away,
)
from limner.agents.simulators.leaks import leaks
from limner.agents.simulators.manner import described, dressed
from limner.agents.simulators.moves import Course, Kind, Move
from limner.agents.simulators.seeker import Heard, Said
from limner.agents.simulators.traits import SeekerPortrait
from limner.errors import InputError
from limner.inference import LanguageModel, load_prompt
from limner.inference.opening import continue_from
from limner.memory.records import Record
from limner.tools import Catalogue

__all__ = ["Attempt", "PortrayedSeeker", "Written"]

_ATTEMPTS = 3
_SPREAD = 0.45
"""Of the logarithm of a turn's length around the person's mean; a guess."""
_LONGEST = 1.8
"""Times the length asked for, from which sentences at the end are left out."""
_HEARD = 400
"""Characters of a reply that the model gets: weak ones lose the thread in long lists."""
_END = re.compile(r"(?<=[.!?])\s+")
_OPENINGS = ("I'd like", "Do you know", "Is there", "I'm looking for", "Maybe")


class Attempt(Record):
    """What the model wrote, and what is wrong with it."""

    text: str
    faults: tuple[Fault, ...] = ()


class Written(Record):
    """How one turn came about."""

    move: Kind
    say: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    text: str
    """What was said."""
    replaced: bool
    """Whether every attempt was at fault, so that a plain sentence took its place."""


class PortrayedSeeker:
    """Somebody who is looking for one of some items and never names it, in one conversation (see `Seeker`).

    The target is described to the model by single facts, never by its title. Code decides on each turn by what it hears: answers a
    question, turns down or knows what is shown, adds a wish, takes a target, gives up. What the model writes is refused where it gives
    the target away, asks for what the target is not, falls out of its part, repeats a turn, or leaves out what it was to say; then the model is
    asked in two other ways, and at last a plain sentence is said. At temperature 0 and with one seed it says the same each time.

    Args:
        model: Words the turns.
        portrait: Whose facts are told and in whose manner; none for nobody in particular.
        targets: Ids of the items that are taken; the first is described.
        catalogue: Which has them.
        seed: Of the order of what is told, and of habits that come now and then.
        patience: Replies without a target after which the seeker gives up.
        opening: The first turn, where it is given; else the model writes one.
        prompts: Folder of overriding prompt files.

    Raises:
        InputError: There is no target, or no patience.
        NotFound: The catalogue has no such target.
    """

    def __init__(
        self,
        model: LanguageModel,
        portrait: SeekerPortrait | None,
        targets: Sequence[str],
        catalogue: Catalogue,
        *,
        seed: int = 0,
        patience: int = 5,
        opening: str | None = None,
        prompts: Path | None = None,
    ) -> None:
        if not targets:
            raise InputError("A seeker needs at least one item to look for.")
        if patience < 1:
            raise InputError(f"A seeker's patience is at least one reply, not {patience}.")
        self._model, self._catalogue, self._opening = model, catalogue, opening
        self._portrait = portrait if portrait is not None else SeekerPortrait()
        self._manner = self._portrait.manner
        self._targets = [catalogue.get(item_id) for item_id in targets]
        self._patience = patience
        self._chance = random.Random(f"{seed}/{targets[0]}")
        self._seek, self._plot = load_prompt("agents/seek", prompts), load_prompt("agents/plot", prompts)
        self._course: Course | None = None
        self._before: list[str] = []
        self._known = {title for fact in self._portrait.facts for title in titles_of(fact.text, catalogue)}
        self.written: list[Written] = []
        """How each turn came about."""

    async def open(self) -> Said:
        """Return the first turn.

        Raises:
            ModelError: The model failed.
        """
        course = await self._begun()
        move = course.opening()
        if self._opening is not None:
            self._before.append(self._opening)
            return Said(self._opening)
        return Said(await self._worded(move, ""))

    async def answer(self, heard: Heard) -> Said:
        """Return what is said to a reply.

        Raises:
            ModelError: The model failed.
        """
        course = await self._begun()
        self._known |= {item.title for item in heard.items} | set(titles_of(heard.text, self._catalogue))
        move = course.reply(heard)
        text = await self._worded(move, heard.text)
        return Said(text, accepted=move.accepted, gave_up=move.kind == "give up")

    async def _begun(self) -> Course:
        if self._course is None:
            gist = await gist_of(self._targets[0], self._model, self._plot)
            clues = clues_of(self._targets[0], self._catalogue, gist, self._given_away, self._chance)
            self._course = Course(
                self._portrait,
                self._targets,
                clues,
                self._catalogue,
                self._given_away,
                self._patience,
                self._chance,
            )
        return self._course

    def _given_away(self, text: str) -> bool:
        return leaks(text, [item.id for item in self._targets], self._catalogue) is not None

    async def _worded(self, move: Move, heard: str) -> str:
        """Return a move in the model's words, or in plain ones where it fails."""
        words = self._manner.words * self._chance.lognormvariate(0, _SPREAD)
        attempts: list[Attempt] = []
        opening = self._chance.choice(_OPENINGS)
        for number in range(_ATTEMPTS):
            # At temperature 0 the same question gets the same answer: the second leaves out what is not essential, the third begins the sentence.
            say = move.say if number == 0 else move.say[-1:]
            text = await self._asked(say, heard, words, opening if number == 2 and move.clue else "")
            attempts.append(Attempt(text=text, faults=tuple(self._faults(text, move, heard))))
            if not attempts[-1].faults:
                break
        replaced = bool(attempts[-1].faults)
        said = dressed(move.plain if replaced else attempts[-1].text, self._manner, self._chance)
        self.written.append(
            Written(move=move.kind, say=move.say, attempts=tuple(attempts), text=said, replaced=replaced)
        )
        self._before.append(said)
        return said

    async def _asked(self, say: Sequence[str], heard: str, words: float, opening: str) -> str:
        manner = described(self._manner, words)
        messages = self._seek.messages(manner=manner, heard=heard[:_HEARD], say="; ".join(say))
        if opening:
            return await continue_from(self._model, messages, opening, stage="seek", max_tokens=70) or ""
        reply = await self._model.acomplete(messages, stage="seek", max_tokens=70, stop=["\n"])
        return _cut(reply.strip().strip('"'), words)

    def _faults(self, text: str, move: Move, heard: str) -> list[Fault]:
        """Return what is wrong with a turn; without words it says nothing that it should."""
        faults: list[Fault] = []
        if move.kind != "accept" and self._given_away(text):
            faults.append("leak")
        if move.kind != "accept" and self._contradicts(text, move):
            faults.append("contradiction")
        if move.kind != "accept" and takes(text):
            faults.append("acceptance")
        if out_of_part(text, self._catalogue, self._known | {item.title for item in self._targets}):
            faults.append("out of part")
        if repeats(text, [*self._before[-2:], heard]) or text in self._examples:
            faults.append("repetition")
        if not text or (move.clue is not None and not move.clue.told_in(text)):
            faults.append("omission")
        return faults

    def _contradicts(self, text: str, move: Move) -> bool:
        """Whether a turn asks for what the target is not, or turns away what it is."""
        exempt = [*self._known, *titles_of(text, self._catalogue)]
        found = contradictions(text, self._targets[0], self._catalogue, exempt)
        # What it is about may be told in words that are values, too: "entangled in a mystery".
        told = "; ".join(move.say).casefold()
        signs = move.clue.signs if move.clue is not None else ()
        return any(value.casefold() not in told for value in found) or turns_away(text, signs)

    @property
    def _examples(self) -> set[str]:
        """The long answers of the examples in the prompt, which weak models give back word for word."""
        messages = self._seek.messages(manner="", heard="", say="")
        return {m.text for m in messages if isinstance(m, AIMessage) and len(m.text.split()) > 5}


def _cut(text: str, words: float) -> str:
    """Return a turn without the sentences at its end that make it far longer than it should be."""
    kept: list[str] = []
    for sentence in _END.split(text):
        if kept and len(" ".join([*kept, sentence]).split()) > max(_LONGEST * words, 8):
            break
        kept.append(sentence)
    return " ".join(kept)
