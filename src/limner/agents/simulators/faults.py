"""What is wrong with a turn that a language model wrote in the part of a seeker, as far as code can tell.

RecLLM (Friedman et al. 2023, arXiv 2305.07961, §7.2) asks that a simulated user be consistent with the session's latent variables and hard to tell
from a real one; a weak model breaks the first in the few ways that are looked for here.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Literal

from limner.agents.bounds import year_bounds
from limner.agents.statements import claimed, without_names
from limner.agents.titles import titles_in
from limner.memory.records import AttributeValue
from limner.tools import Catalogue, Item

__all__ = ["Fault", "contradictions", "out_of_part", "repeats", "takes", "titles_of", "turns_away"]

Fault = Literal["leak", "contradiction", "acceptance", "out of part", "repetition", "omission"]
_FEW_VALUES = 80
_LONGEST_NAME = 4
_ALIKE = 0.8
_SHORT_TURN = 4
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_CLAUSE = re.compile(r"[.!?;,\n]+|\bbut\b|\bthough\b", re.IGNORECASE)
_NEGATION = re.compile(
    r"\b(?:no|not|never|nor|neither|without|hates?|dislikes?|avoid|nothing|less|stop|tired|sick|can['’]?t|don['’]?t|isn['’]?t|didn['’]?t|"
    r"wasn['’]?t|aren['’]?t|won['’]?t|haven['’]?t|instead of|rather than|nah|nope|too|enough|other than|besides|it['’]?s|that['’]?s|because|was)\b",
    re.IGNORECASE,
)
"""Before a value, in its clause: the value is not what is wanted, or is said of another item ("it's a comedy", "too much drama")."""
_PART = re.compile(
    r"\bas an ai\b|\blanguage model\b|\bassist you\b|\bhow (?:can|may) i help\b|\bi(?:['’]d| would| can|['’]ll)? (?:recommend|suggest)\b|"
    r"\byou (?:might|may|will|would|should|could) (?:like|love|enjoy|try|watch|check)\b|\byou(?:['’]d|['’]ll) (?:like|love|enjoy)\b|"
    r"\b(?:what|which) (?:\w+ ){0,2}(?:movies?|films?|genres?|dramas?|comed(?:y|ies)|thrillers?|kind|type|sort)s? (?:\w+ ){0,4}(?:do|are|would) you\b|"
    r"\bdo you (?:like|prefer|enjoy|want)\b|\bare you (?:looking|interested)\b|\bwould you (?:like|prefer)\b|\bi hope you (?:like|enjoy)\b|"
    r"\bhappy to (?:recommend|suggest|help)\b|\b(?:can|could|may) i (?:recommend|suggest)\b|\bcan['’]?t (?:assist|help)\b|"
    r"\blet me know\b|\bhere (?:is|are)\b|\b(?:adviser|manner|the person)\b|^\s*say:",
    re.IGNORECASE,
)
_TAKES = re.compile(
    r"\b(?:i['’]ll|i will|i['’]m going to|going to|gonna|have to) (?:definitely |have to )?(?:check|look|watch|give|try|see|add)\b|"
    r"\bgive (?:it|that|those) a (?:try|go|shot|watch)\b|\bcheck(?:ing)? (?:it|that|those|them) out\b",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"\bnot (?:\w+ ){0,2}(?:into|interested in|a fan of|looking for|familiar with)\b|\b(?:don['’]?t|do not) (?:\w+ )?(?:like|want|know|enjoy)\b|\bhate\b",
    re.IGNORECASE,
)
_YEAR_AT_END = re.compile(r"\s*\(\d{4}\)")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b(?!['’]?s)")
_SPOKEN = {
    "romantic": "romance",
    "scary": "horror",
    "animated": "animation",
    "funny": "comedy",
    "comedies": "comedy",
    "sci fi": "sci-fi",
    "science fiction": "sci-fi",
    "historical": "history",
    "sports": "sport",
}


def titles_of(text: str, catalogue: Catalogue) -> list[str]:
    """Return the titles of a catalogue that a text surely names: of several words, in quotes, or with their year."""
    return [
        title
        for title in titles_in(text, _titles(catalogue))
        if " " in _YEAR_AT_END.sub("", title)
        or title in text
        or re.search(rf"[\"“*]{re.escape(_YEAR_AT_END.sub('', title))}[\"”*]", text)
    ]


def contradictions(text: str, target: Item, catalogue: Catalogue, exempt: Collection[str] = ()) -> list[str]:
    """Return the values of the catalogue that a turn asks for and the target does not have, such as `horror` of a comedy.

    What is negated, or said of another item, is asked of nothing.

    Args:
        text: The turn.
        target: What it is about.
        catalogue: Whose values count: genres and the like, names of people, decades and years.
        exempt: Titles, which may be made of words that mean something else.
    """
    names = [name for title in exempt for name in (title, _YEAR_AT_END.sub("", title))]
    plain = without_names(text, names)
    return [value for clause in _CLAUSE.split(plain) for value in _claims(clause, target, catalogue)]


def _claims(clause: str, target: Item, catalogue: Catalogue) -> Iterator[str]:
    spoken = clause.casefold()
    for word, value in _SPOKEN.items():
        spoken = re.sub(rf"\b{word}\b", value, spoken)
    for attribute in catalogue.attributes():
        own = _texts(target.attributes.get(attribute.name))
        if attribute.kind not in {"category", "categories"} or not own:
            continue
        few = len(attribute.values) <= _FEW_VALUES
        named = claimed(spoken, attribute.values) if few else set(_people(spoken, _names(attribute.values)))
        for value in named:
            # Somebody may be known as an actor and have directed this one.
            if value.casefold() not in own | _people_of(target) and not _negated(spoken, value):
                yield value
    yield from _years(clause, target)


def _years(clause: str, target: Item) -> Iterator[str]:
    year = target.attributes.get("year")
    if not isinstance(year, float) or _negated(clause, None):
        return
    bounds = year_bounds(clause)
    if bounds is not None:
        low, high = bounds
        if (low is not None and year < low) or (high is not None and year > high):
            yield f"{low or ''}–{high or ''}"
        return
    yield from (stated for stated in _YEAR.findall(clause) if float(stated) != year)


def _negated(clause: str, value: str | None) -> bool:
    if value is None:
        return _NEGATION.search(clause) is not None
    place = clause.find(value.casefold()[:_SHORT_TURN])
    return _NEGATION.search(clause[: place if place >= 0 else len(clause)]) is not None


def _texts(value: AttributeValue | None) -> set[str]:
    values = (
        value if isinstance(value, tuple) else () if value is None or isinstance(value, float) else (value,)
    )
    return {text.casefold() for text in values}


def _people_of(target: Item) -> set[str]:
    return {text for value in target.attributes.values() for text in _texts(value)}


@lru_cache(maxsize=16)
def _names(values: tuple[str, ...]) -> dict[str, str]:
    # A single word ("Cher", "Life") is as often no name.
    return {value.casefold(): value for value in values if " " in value}


@lru_cache(maxsize=8)
def _titles(catalogue: Catalogue) -> tuple[str, ...]:
    return tuple(item.title for item in catalogue)


def _people(text: str, names: dict[str, str]) -> Iterator[str]:
    words = re.findall(r"[^\s,.!?;:()\"]+", text)
    for size in range(2, _LONGEST_NAME + 1):
        for start in range(len(words) - size + 1):
            name = " ".join(words[start : start + size]).removesuffix("'s").removesuffix("’s")
            if name in names:
                yield names[name]


def out_of_part(text: str, catalogue: Catalogue, known: Collection[str]) -> bool:
    """Whether a turn is not one of a seeker: it advises, asks what the other would like, or names a film that nobody gave it.

    Args:
        text: The turn.
        catalogue: Whose titles count.
        known: Titles that were named before, or that the person knows.
    """
    if _PART.search(text):
        return True
    bare = {_YEAR_AT_END.sub("", title).casefold() for title in known}
    return any(_YEAR_AT_END.sub("", title).casefold() not in bare for title in titles_of(text, catalogue))


def takes(text: str) -> bool:
    """Whether a turn says that something will be watched."""
    return _TAKES.search(text) is not None


def turns_away(text: str, signs: Sequence[str]) -> bool:
    """Whether a turn says of something that it is not wanted.

    Args:
        text: The turn.
        signs: Pieces of words, in lower case, by which the thing is known.
    """
    for clause in _CLAUSE.split(text.casefold()):
        places = [clause.find(sign) for sign in signs if sign in clause]
        if places and _AWAY.search(clause[: min(places)]):
            return True
    return False


def repeats(text: str, before: Sequence[str]) -> bool:
    """Whether a turn is, in about the same words, one of these."""
    words = _bag(text)
    return any(
        words == other or (len(words) > _SHORT_TURN and len(words & other) >= _ALIKE * len(words | other))
        for other in map(_bag, before)
        if other
    )


def _bag(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _WORD.findall(text))
