"""How somebody writes, as far as code can count it, and text put into that manner."""

import random
import re
from collections.abc import Sequence

from pydantic import Field

from limner.memory.records import Record

__all__ = ["GREETING", "HEDGE", "POLITE", "SLANG", "Manner", "described", "dressed", "measured"]

GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings)\b", re.IGNORECASE
)
POLITE = re.compile(r"\b(?:thanks|thank you|thank u|thx|please|appreciate|sorry)\b", re.IGNORECASE)
SLANG = re.compile(
    r"\b(?:lol|haha+|omg|u|ur|gonna|wanna|gotta|yeah|yep|nope|nah|ya|kinda|dunno|cuz|tho|awesome|cool)\b|[:;]-?[)D(]",
    re.IGNORECASE,
)
HEDGE = re.compile(
    r"\b(?:maybe|perhaps|not sure|i guess|i suppose|don['’]?t know|dunno|whatever|not picky|hm+)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_ENDED = re.compile(r"[.!?…:;)]\W*$")
_FEW, _OFTEN = 0.25, 0.5
"""Shares of turns from which a habit is worth a word, and from which it is the rule."""


class Manner(Record):
    """Habits of writing: words in a turn, and the share of turns that show each other habit, from 0 to 1.

    The defaults are those of the seekers in one half of the ReDial test dialogues.
    """

    turns: int = Field(default=0, ge=0)
    """How many turns it was measured on; 0 for the defaults."""
    words: float = Field(default=11.3, ge=0)
    questions: float = Field(default=0.28, ge=0, le=1)
    exclamations: float = Field(default=0.23, ge=0, le=1)
    lower_case: float = Field(default=0.15, ge=0, le=1)
    """Turns that begin with a small letter."""
    unended: float = Field(default=0.37, ge=0, le=1)
    """Turns without a mark at their end."""
    polite: float = Field(default=0.07, ge=0, le=1)
    slang: float = Field(default=0.1, ge=0, le=1)
    hedged: float = Field(default=0.09, ge=0, le=1)
    greets: bool = True


def measured(utterances: Sequence[str]) -> Manner:
    """Return the manner of a person's turns; the defaults where there are none."""
    turns = [turn.strip() for turn in utterances if _WORD.search(turn)]
    if not turns:
        return Manner()

    def share(holds: Sequence[object]) -> float:
        return round(sum(map(bool, holds)) / len(turns), 3)

    return Manner(
        turns=len(turns),
        words=round(sum(len(_WORD.findall(turn)) for turn in turns) / len(turns), 1),
        questions=share(["?" in turn for turn in turns]),
        exclamations=share(["!" in turn for turn in turns]),
        lower_case=share([_first_letter(turn).islower() for turn in turns]),
        unended=share([not _ENDED.search(turn) for turn in turns]),
        polite=share([POLITE.search(turn) for turn in turns]),
        slang=share([SLANG.search(turn) for turn in turns]),
        hedged=share([HEDGE.search(turn) for turn in turns]),
        greets=bool(GREETING.search(turns[0])),
    )


def described(manner: Manner, words: float | None = None) -> str:
    """Return a manner as a prompt has it, such as `about 6 words; casual, lower case`.

    Args:
        manner: Of whom.
        words: Of this turn, where turns shall differ in length.
    """
    length = max(3, round(manner.words if words is None else words))
    habits = [
        (manner.slang >= _FEW, "casual"),
        (manner.lower_case >= _OFTEN, "lower case"),
        (manner.exclamations >= _OFTEN, "excited"),
        (manner.polite >= _FEW, "polite"),
        (manner.hedged >= _FEW, "hesitant"),
        (manner.questions >= _OFTEN, "asks questions"),
    ]
    named = [name for holds, name in habits if holds] or ["plain"]
    return f"about {length} words; {', '.join(named)}"


def dressed(text: str, manner: Manner, chance: random.Random) -> str:
    """Put a turn into the person's case and marks, as often as they write so; its words stay.

    A language model writes every turn with a capital and a full stop, whatever it is told.
    """
    if chance.random() < manner.lower_case:
        # Who begins small also writes names small about as often as not; "I" stays as it is with most.
        text = text[:1].lower() + text[1:] if not re.match(r"I\b", text) else text
    if chance.random() < manner.unended:
        text = re.sub(r"(?<=\w)[.!]+$", "", text)
        text = re.sub(r"(?<=\w)[.,] (?=[A-Z])", " ", text) if chance.random() < _FEW else text
    elif "!" in text and chance.random() >= max(manner.exclamations, _FEW):
        text = re.sub(r"!+", ".", text)
    elif text.endswith(".") and chance.random() < manner.exclamations:
        text = f"{text[:-1]}!"
    return text


def _first_letter(text: str) -> str:
    return next((c for c in text if c.isalpha()), "")
