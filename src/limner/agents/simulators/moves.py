"""What a seeker does next: chosen by code, for a small language model gives in to whatever it is told.

RecLLM (Friedman et al. 2023, arXiv 2305.07961, §7.1) controls a simulated user by variables of the session, here a portrait and a hidden
item, and of each turn, here a `Move`.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from limner.agents.simulators.clues import Clue
from limner.agents.simulators.faults import contradictions, titles_of
from limner.agents.simulators.seeker import Heard
from limner.agents.simulators.traits import SeekerPortrait, Trait
from limner.agents.statements import claimed
from limner.tools import Catalogue, Item

__all__ = ["Course", "Kind", "Move"]

Kind = Literal["open", "answer", "turn down", "know it", "add", "accept", "give up"]
_FEW_VALUES = 80
_YEARS_APART = 12
_BRIEF, _TALKATIVE = 9, 15
_YEAR = re.compile(r"\s*\(\d{4}\)")
_SMALL_TALK = re.compile(
    r"\bhow (?:are|is|do)\b|\bhow['’]s\b|^\W*(?:hi|hello|hey|good \w+)\W*$", re.IGNORECASE
)
_CUES: dict[str, re.Pattern[str]] = {
    "genre": re.compile(r"\b(?:kinds?|types?|sorts?|genres?)\b", re.IGNORECASE),
    "year": re.compile(
        r"\b(?:old(?:er)?|new(?:er)?|recent|years?|decades?|classics?|modern|era)\b", re.IGNORECASE
    ),
    "star": re.compile(r"\b(?:actors?|actress(?:es)?|stars?|starring|cast)\b", re.IGNORECASE),
    "director": re.compile(r"\b(?:directors?|directed)\b", re.IGNORECASE),
    "description": re.compile(r"\b(?:plot|story|about)\b", re.IGNORECASE),
}
_SEEN, _UNSEEN = 0.35, 0.35
"""How often a film that nobody knows anything of is known to the person, or not; else it is turned down. A guess, from skimming real
dialogues."""


@dataclass(frozen=True)
class Move:
    """One turn, as code has decided on it."""

    kind: Kind
    say: tuple[str, ...]
    """What is said, in notes such as `want a comedy`; the essential one last."""
    plain: str
    """The same as a plain sentence, for where the model fails."""
    clue: Clue | None = None
    accepted: str | None = None


class Course:
    """How far a seeker has come in one conversation.

    Args:
        portrait: Whose facts are told, where they do not contradict the target.
        targets: Items that are taken, whichever comes first; the first of them is described.
        clues: What can be told of it.
        catalogue: What there is.
        given_away: Whether words name a target.
        patience: Replies without a target after which the seeker gives up.
        chance: Whatever is left to it.
    """

    def __init__(
        self,
        portrait: SeekerPortrait,
        targets: Sequence[Item],
        clues: Sequence[Clue],
        catalogue: Catalogue,
        given_away: Callable[[str], bool],
        patience: int,
        chance: random.Random,
    ) -> None:
        self._target, self._ids = targets[0], {item.id: item for item in targets}
        self._clues = list(clues)
        self._catalogue, self._patience, self._chance = catalogue, patience, chance
        self._heard = 0
        self._talkative = portrait.manner.words
        told = [fact for fact in portrait.facts if self._fits(fact) and not given_away(fact.told)]
        self._liked = [fact for fact in told if fact.kind in {"likes", "wants"}]
        self._circumstances = [fact for fact in told if fact.kind in {"company", "mood", "dislikes"}]
        self._seen = {
            _bare(title)
            for fact in portrait.facts
            if fact.kind in {"likes", "seen"}
            for title in titles_of(fact.text, catalogue)
        }
        self._greets = portrait.manner.greets

    def _fits(self, fact: Trait) -> bool:
        exempt = titles_of(fact.text, self._catalogue)
        return not contradictions(fact.told, self._target, self._catalogue, exempt)

    def opening(self) -> Move:
        """Return the first turn: what is wanted, and something the person likes, if they are not brief."""
        greeting = ["greet"] if self._greets else []
        likes = self._fact(self._liked)
        if likes and self._talkative < _BRIEF:
            likes = likes if self._chance.random() < 0.5 else []
        clue = self._next()
        wish = [f"want {clue.wish}"] if clue else ["want to be recommended something"]
        plain = f"I'm looking for {clue.wish}." if clue else "What do you recommend?"
        return Move("open", (*greeting, *likes, *wish), f"{'Hi! ' if greeting else ''}{plain}", clue)

    def reply(self, heard: Heard) -> Move:
        """Return what is done about a reply."""
        self._heard += 1
        taken = next((item for item in heard.items if item.id in self._ids), None)
        if taken is not None:
            plain = f"{_bare(taken.title)} sounds great, I'll watch that one."
            return Move("accept", (f"accept {_bare(taken.title)}",), plain, accepted=taken.id)
        if self._heard >= self._patience:
            return Move(
                "give up", ("give up for now", "say goodbye"), "No, that's not it. Thanks anyway, bye."
            )
        if heard.items:
            return self._judged(heard.items)
        answer = self._answer(heard)
        if answer is not None:
            return answer
        greeting = ["greet"] if self._heard == 1 and _SMALL_TALK.search(heard.text) else []
        return self._added("add", [*greeting, *self._fact(self._circumstances)], "")

    def _judged(self, items: Sequence[Item]) -> Move:
        """Return what is said to items none of which is a target."""
        item = self._chance.choice(items)
        several = len(items) > 1
        title = "those" if several else _bare(item.title)
        if _bare(item.title) in self._seen:
            return self._added(
                "know it", [f"have seen {_bare(item.title)}"], f"I have seen {_bare(item.title)}."
            )
        draw = self._chance.random()
        if draw < _SEEN:
            return self._added("know it", [f"have seen {title}"], f"I have seen {title}.")
        if draw < _SEEN + _UNSEEN:
            return self._added("know it", [f"have not seen {title}"], f"I haven't seen {title}.")
        because = next(self._reasons(item), "") if not several else ""
        note = f"not {title}, because {because}" if because else f"not {title}"
        plain = f"Not {title}, {because}." if because else f"Not {title}."
        return self._added("turn down", [note], plain)

    def _reasons(self, item: Item) -> Iterator[str]:
        own, other = self._target.attributes.get("year"), item.attributes.get("year")
        if isinstance(own, float) and isinstance(other, float) and abs(own - other) > _YEARS_APART:
            yield "it is too old" if other < own else "it is too new"
        for attribute in self._catalogue.attributes():
            if attribute.kind in {"category", "categories"} and len(attribute.values) <= _FEW_VALUES:
                wanted = _texts(self._target, attribute.name)
                yield from (
                    f"it is {value.lower()}" for value in _texts(item, attribute.name) if value not in wanted
                )

    def _answer(self, heard: Heard) -> Move | None:
        """Return the answer to a question, or none where there is none that could be understood."""
        if heard.question is not None:
            return self._about(heard.question.attribute, heard.question.options)
        if "?" not in heard.text:
            return None
        named = self._named(heard.text)
        if named is not None:
            return named
        asked = next((name for name, cue in _CUES.items() if cue.search(heard.text)), None)
        return self._about(asked, ()) if asked is not None else None

    def _named(self, text: str) -> Move | None:
        """Return yes or no to a question that names values, such as "Do you like horror?"."""
        for attribute in self._catalogue.attributes():
            if attribute.kind in {"category", "categories"} and len(attribute.values) <= _FEW_VALUES:
                own = set(_texts(self._target, attribute.name))
                named = sorted(claimed(text, attribute.values))
                for value in named:
                    if value in own:
                        return self._added(
                            "answer", [f"yes, {value.lower()} is good"], f"Yes, {value.lower()} is good."
                        )
                if named and own:
                    return self._added("answer", [f"no {named[0].lower()}"], f"No {named[0].lower()}.")
        return None

    def _about(self, attribute: str, options: Sequence[str]) -> Move:
        clue = next((clue for clue in self._clues if clue.attribute == attribute), None)
        offered = next((c for c in self._clues if c.attribute == attribute and c.value in options), clue)
        if offered is None:
            return self._added("answer", [f"do not mind which {attribute}"], "I don't mind.")
        self._clues.remove(offered)
        says = self._fact(self._liked) if attribute == "genre" else []
        return Move("answer", (*says, f"want {offered.wish}"), f"I'd like {offered.wish}.", offered)

    def _added(self, kind: Kind, says: list[str], plain: str) -> Move:
        """Return a turn that goes on to one more thing about the target; to more of the person, where that is told."""
        if self._talkative > _TALKATIVE and kind != "add":
            says = [*says, *self._fact(self._circumstances)]
        clue = self._next()
        if clue is None:
            return Move(kind, (*says, "ask for something else"), f"{plain} Anything else?".strip())
        return Move(kind, (*says, f"want {clue.wish}"), f"{plain} I'd like {clue.wish}.".strip(), clue)

    def _next(self) -> Clue | None:
        return self._clues.pop(0) if self._clues else None

    def _fact(self, facts: list[Trait]) -> list[str]:
        """Return the next of these facts as a note, if there is one."""
        return [_YEAR.sub("", facts.pop(0).told)] if facts else []


def _bare(title: str) -> str:
    return _YEAR.sub("", title)


def _texts(item: Item, name: str) -> tuple[str, ...]:
    value = item.attributes.get(name)
    return value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
