"""What a text shows at a glance: who says it, and whether it asks, dates, counts, names or quotes."""

import re
from dataclasses import dataclass
from enum import IntFlag

__all__ = ("Saying", "Trait", "read_saying")


class Trait(IntFlag):
    """What a text has in it."""

    ASKS = 1
    """It ends in a question."""
    DATES = 2
    """It has a word of time, such as "yesterday", a weekday or a year."""
    COUNTS = 4
    """It has a number, in digits or in words."""
    NAMES = 8
    """It has a capitalised word that does not begin a sentence."""
    QUOTES = 16
    """It has something in quotation marks, such as a title."""
    TELLS = 32
    """It is in the first person."""


@dataclass(frozen=True, slots=True)
class Saying:
    """What a text shows."""

    speaker: str | None
    """The name, case-folded, in front of a text such as `Ada: we moved`; none where there is none."""
    traits: Trait


_SPEAKER = re.compile(r"\s*([^\W\d_](?:[^\W_]|[ .'’-]){0,38}[^\W_.]?)(?::\s+|：\s*)\S")
_SPEAKER_WORDS = 3
_PARTICLE = re.compile(r"al|bin|da|de[lnr]?|d[iu]|dos|el|ibn|l[ae]|v[ao]n")
_NUMBERED = re.compile(r"agent|participant|person|speaker|user", re.IGNORECASE)
_LABEL = re.compile(
    r"answer|date|edit|example|fyi|important|nb|notes?|ps|question|re|reminder|subject|summary|time|tip|title|today|todo|"
    r"tomorrow|topic|update|warning|yesterday",
    re.IGNORECASE,
)
# Each pattern is bounded by what it looks for, so that no text takes longer than its length.
_ASKS = re.compile(r"[?？][^\w?？]*(?:\([^()]*\)\s*)?$")
_DATES = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|last|next|ago|since|recently|just|weeks?|weekends?|months?|"
    r"this (?:year|morning|evening|summer|winter|spring|fall|autumn)|(?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    r"january|february|march|april|may|june|july|august|september|october|november|december|19\d\d|20\d\d)\b",
    re.IGNORECASE,
)
_COUNTS = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|once|twice|couple|few)\b", re.IGNORECASE
)
_NAMES = re.compile(r"(?<=[^.!?:\s] )[^\W\d_a-z][^\W\d_]+")
_TELLS = re.compile(r"\b(?:I|[Mm]y|[Ww]e|[Oo]ur|[Mm]e)\b")
_QUOTES = re.compile(r'["“„«][^"“”„«»]{2,}["”“»]')


def read_saying(text: str) -> Saying:
    """Return what a text shows; words are looked for in English.

    Args:
        text: Any text; a name and a colon in front of it say who speaks.
    """
    speaker, words = None, text
    match = _SPEAKER.match(text)
    if match is not None and _is_name(match[1]):
        speaker, words = match[1].casefold(), text[match.end(1) + 1 :]
    traits = Trait(0)
    for trait, pattern in _PATTERNS:
        if pattern.search(words) is not None:
            traits |= trait
    if any(match[0][0].isupper() for match in _NAMES.finditer(words)):
        traits |= Trait.NAMES
    return Saying(speaker, traits)


def _is_name(text: str) -> bool:
    """Return whether the words before a colon are a name, and not the beginning of a sentence or a label."""
    first, *others = text.split()
    if len(others) >= _SPEAKER_WORDS or first[0].islower() or _LABEL.fullmatch(text):
        return False
    if any(word[0].isdigit() for word in others):
        return _NUMBERED.fullmatch(first) is not None
    return not any(word[0].islower() and not _PARTICLE.fullmatch(word) for word in others)


_PATTERNS = (
    (Trait.ASKS, _ASKS),
    (Trait.DATES, _DATES),
    (Trait.COUNTS, _COUNTS),
    (Trait.QUOTES, _QUOTES),
    (Trait.TELLS, _TELLS),
)
