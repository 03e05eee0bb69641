"""What a question asks for, as far as its words show it; in English, other languages lose these hints only."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from limner.memory.lexical import tokenize
from limner.memory.sayings import Trait

__all__ = ("Question", "named_in", "read_question")

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
# The months that are also words count with a year, a day, another month or a preposition of time only.
_MONTH = re.compile(
    rf"\b(?:(?P<sure>{'|'.join(m for m in _MONTHS if m not in ('march', 'may'))})"
    r"|(?:in|of|on|by|from|between|since|till|until|before|after|during|through|early|mid|late|last|this|next"
    r"|\d(?:st|nd|rd|th)?)[ -](?P<word>march|may)"
    r"|(?P<dated>march|may)(?=,? \d))\b",
    re.IGNORECASE,
)
_SPAN = re.compile(
    rf"\b(from |between )?({'|'.join(_MONTHS)}) (?:to|till|until|through|and|or) ({'|'.join(_MONTHS)})\b",
    re.IGNORECASE,
)
_DATE = re.compile(r"\b(?:19|20)\d\d-(0[1-9]|1[0-2])(?:-([0-3]\d))?\b")
_DAY = re.compile(
    rf"\b(?:({'|'.join(_MONTHS)}) (?:the )?([0-3]?\d)(?:st|nd|rd|th)?\b|"
    rf"([0-3]?\d)(?:st|nd|rd|th)? (?:of )?({'|'.join(_MONTHS)})\b)",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_TITLE = re.compile(r"(?:aunt|doctor|dr|lady|lord|madam|miss|mrs?|ms|prof|professor|sir|uncle)\.?")
_ME = re.compile(r"\b(?:i|me|my|mine|myself|i['’](?:m|ve|d|ll))\b", re.IGNORECASE)
_WANTS = (
    (Trait.DATES, re.compile(r"^\W*when\b|\bwhat (?:date|day|year|month|time)\b|\bwhich (?:day|year|month)\b", re.I)),
    (Trait.COUNTS, re.compile(r"\bhow (?:many|much|long|often|old)\b", re.I)),
    (
        Trait.NAMES,
        re.compile(
            r"^\W*(?:who|where)\b|\b(?:what|which)(?: \w+)? (?:book|movie|film|game|song|band|show|series|author|artist|"
            r"city|country|state|place|name|restaurant|company|school|brand)s?\b|\bname of\b",
            re.I,
        ),
    ),
)  # fmt: skip
_FUNCTION_WORDS = frozenset(
    tokenize(
        "a an the this that these those it its they them their theirs he him his she her hers i me my mine you your yours "
        "we us our ours who whom whose what which when where why how and or but if so than then as at by for from in into "
        "of off on onto over under up down out to with about after before during between through until since "
        "am is are was were be been being do does did done has have had having will would can could shall should may might "
        "must not no nor any some many much more most few other such own same just also too very there here again ever "
        "s t d ll m re ve don doesn didn isn aren wasn weren"
    )
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question, taken apart."""

    text: str
    terms: Mapping[str, int]
    """Index terms that carry content, with how often each is there; all of its terms where none does."""
    wants: Trait
    """What an answer will have in it, as far as the question tells: `DATES`, `COUNTS`, and `NAMES` with `QUOTES`."""
    months: frozenset[int]
    """1 to 12, named in it."""
    years: frozenset[int]
    days: frozenset[tuple[int, int]]
    """Month and day of the month, where it names both."""
    about_me: bool
    """Whether whoever asks means themselves."""

    def without(self, names: Collection[str]) -> dict[str, int]:
        """Return the terms without those of some names; all of them if there is no other.

        Who a conversation is with, or about, stands in every other line of it and tells nothing.
        """
        dropped = {term for name in names for term in tokenize(name)}
        return {t: n for t, n in self.terms.items() if t not in dropped} or dict(self.terms)


def read_question(text: str) -> Question:
    """Take a question, or any other words that are searched for, apart."""
    counts = Counter(tokenize(text))
    wants = Trait(0)
    for trait, pattern in _WANTS:
        if pattern.search(text) is not None:
            wants |= trait
    if Trait.NAMES in wants:
        wants |= Trait.QUOTES
    days = frozenset(_days(text))
    return Question(
        text=text,
        terms={t: n for t, n in counts.items() if t not in _FUNCTION_WORDS} or dict(counts),
        wants=wants,
        months=frozenset([*_months(text), *(month for month, _ in days)]),
        years=frozenset(int(year) for year in _YEAR.findall(text)),
        days=days,
        about_me=_ME.search(text) is not None,
    )


def named_in(text: str, speakers: Collection[str]) -> list[str]:
    """Return those speakers, case-folded names, whose whole or first name a text has, in the order in which it has them.

    Where one name begins like another, as that of Ada Byron like that of Ada Lovelace, the one that fits further counts.
    """
    words = _names_in(text)
    places: dict[int, list[tuple[int, str]]] = {}
    for speaker in speakers:
        first = next((part for part in speaker.split() if not _TITLE.fullmatch(part)), speaker)
        found = [(place, len(name)) for name in {speaker, first} if (place := _place(words, name)) >= 0]
        if found:
            place, length = min(found, key=lambda one: (one[0], -one[1]))
            places.setdefault(place, []).append((length, speaker))
    return [
        speaker
        for _, here in sorted(places.items())
        for length, speaker in sorted(here, key=lambda one: one[1])
        if length == max(here)[0]
    ]


def _names_in(text: str) -> str:
    """Return the words of a text, without those that are written like names, such as Will and May, and are none here."""
    words = _WORDS.findall(text)
    kept = (
        word.casefold() if word.casefold() not in _FUNCTION_WORDS or (place and word.istitle()) else "-"
        for place, word in enumerate(words)
    )
    return f" {' '.join(kept)} "


def _place(words: str, name: str) -> int:
    """Return where a case-folded name stands, −1 for nowhere; in scripts without case, which may not part words, anywhere."""
    spaced = " ".join(_WORDS.findall(name))
    if len(spaced) > 1 and spaced.upper() == spaced:
        return words.find(spaced)
    return words.find(f" {spaced} ")


def _months(text: str) -> Iterator[int]:
    for match in _MONTH.finditer(text):
        yield _number(next(group for group in match.groups() if group))
    for match in _SPAN.finditer(text):
        first, last = _number(match[2]), _number(match[3])
        yield from (first, last)
        if match[1]:
            yield from (month % 12 + 1 for month in range(first - 1, last if last >= first else last + 12))
    for match in _DATE.finditer(text):
        yield int(match[1])


def _days(text: str) -> Iterator[tuple[int, int]]:
    for match in _DAY.finditer(text):
        month, day = (match[1], match[2]) if match[1] else (match[4], match[3])
        yield _number(month), int(day)
    for match in _DATE.finditer(text):
        if match[2]:
            yield int(match[1]), int(match[2])


def _number(month: str) -> int:
    return _MONTHS.index(month.lower()) + 1
