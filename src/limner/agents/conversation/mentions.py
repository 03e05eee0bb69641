"""What a turn names, recognised in its units: titles, values, persons, years, and items by their place among those shown."""

import re
from dataclasses import dataclass

from limner.agents.bounds import year_bounds
from limner.agents.conversation.lexicon import DECADES, FUNCTION, NUMBERS, THINGS
from limner.agents.conversation.tokens import Line, Unit
from limner.agents.conversation.vocabulary import NamedTitle, Vocabulary

__all__ = ["NamedItems", "NamedYears", "place_shown", "recognise"]

_OPENING, _CLOSING = "\"“‘«„*'", "\"”’»“*'"
_NEAR = 1
"""Years by which a typed year may miss that of a film."""
_CUES = frozenset([
    "like",
    "liked",
    "likes",
    "love",
    "loved",
    "loves",
    "enjoy",
    "enjoyed",
    "hate",
    "hated",
    "watch",
    "watched",
    "watching",
    "seen",
    "saw",
    "see",
    "is",
    "was",
    "called",
    "named",
    "favorite",
    "favourite",
    "than",
    "about",
    "suggested",
    "recommended",
    "recommend",
    "try",
    "tried",
    "take",
    "directed",
    "remember",
    "prefer",
    "preferred",
    "adore",
    "adored",
])
_BRIDGES = frozenset([
    "the",
    "a",
    "an",
    "movie",
    "film",
    "book",
    "song",
    "really",
    "also",
    "and",
    "or",
    "i",
    "just",
])
_ENDS = frozenset([
    ",",
    ".",
    "!",
    "?",
    ";",
    ":",
    ")",
    "-",
    "and",
    "or",
    "but",
    "was",
    "is",
    "were",
    "because",
    "since",
    "though",
    "so",
    "too",
    "also",
    "as",
    "a",
    "lot",
    "very",
    "much",
])


@dataclass(frozen=True)
class NamedItems:
    """Items that some words name; none where a title is named that the catalogue does not have."""

    ids: tuple[str, ...]
    ordinal: bool = False
    """Whether they are named by their place among those shown."""
    places: tuple[int, ...] = ()
    """Those places, from 0."""


@dataclass(frozen=True)
class NamedYears:
    """A stretch of years, both ends included; none where that side is open."""

    low: int | None
    high: int | None


def recognise(
    units: list[Unit], text: str, vocabulary: Vocabulary, item_type: str, known: tuple[str, ...]
) -> list[Unit]:
    """Return the units with those that name something together put into one, under a capital letter of its kind.

    `T` is a title, `V` a value, `P` a person, `Y` years, `S` a place among the items shown, `I` the word for items.

    Args:
        units: Of the whole turn.
        text: The turn.
        vocabulary: Of the catalogue.
        item_type: What an item is called.
        known: Ids of items shown or named before: of several with one title, these are meant first.
    """
    merged = _titles(units, text, vocabulary, known)
    merged = _years(merged, text) if vocabulary.year else merged
    merged = _values(merged, vocabulary)
    things = {item_type, f"{item_type}s", *THINGS.get(item_type, ())}
    for unit in merged:
        if unit.word in things:
            unit.word = "I"
    return merged


def one(found: list[Unit], word: str, meaning: object) -> Unit:
    """Return one unit for several."""
    return Unit(found[0].start, found[-1].end, word, found[0].capital, meaning=meaning)


# Titles


def _titles(units: list[Unit], text: str, vocabulary: Vocabulary, known: tuple[str, ...]) -> list[Unit]:
    words = [unit.word for unit in units]
    places = [place for place, unit in enumerate(units) if unit.is_word]
    bare = [words[place] for place in places]
    capitals = sum(units[place].capital for place in places) < 0.6 * len(places) or len(places) < 4
    merged: list[Unit] = []
    at = 0
    number = {place: n for n, place in enumerate(places)}
    names = _person_words(bare, vocabulary)
    while at < len(units):
        found = None
        if at in number and number[at] not in names:
            for named in vocabulary.titles_at(bare, number[at]):
                last = places[number[at] + len(named.words) - 1]
                found = _title(units, text, named, at, last, capitals, known)
                if found is not None:
                    break
        if found is None:
            merged.append(units[at])
            at += 1
        else:
            end, ids = found
            merged.append(one(units[at:end], "T", NamedItems(ids)))
            at = end
    return merged


def _person_words(words: list[str], vocabulary: Vocabulary) -> set[int]:
    """Return the places of words that are part of a person's whole name: *Emma* is a film, and Emma Bell is not."""
    covered: set[int] = set()
    for place in range(len(words)):
        found = vocabulary.value_at(words, place)
        if found is not None and found[1].person and found[0] > 1:
            covered |= set(range(place, place + found[0]))
    return covered


def _title(
    units: list[Unit],
    text: str,
    named: NamedTitle,
    first: int,
    last: int,
    capitals: bool,
    known: tuple[str, ...],
) -> tuple[int, tuple[str, ...]] | None:
    """Return where a title ends and which items it names, if it is meant as a title there."""
    inside = [unit.word for unit in units[first : last + 1] if not unit.is_word]
    if any(
        mark in ".?!;\n" and mark not in text[units[first].start : units[last].end].rstrip(".?!")
        for mark in inside
    ):
        return None
    if any(mark in "?;\n" for mark in inside):
        return None
    end, year = _typed_year(units, last)
    if year is not None:
        of_year = named.of_year(year) or tuple(
            item_id for item_id, own in named.items if own is not None and abs(own - year) <= _NEAR
        )
        if of_year:
            return end, of_year[:1]
        if end > last + 2:  # in parentheses
            return (end, ()) if named.whole and not named.common else None
    ids = tuple(item_id for item_id, _ in named.items)
    if named.whole:
        ids = next(((item_id,) for item_id in ids if item_id in known), ids[:1])
    spoken_of = units[first].capital and any(item_id in known for item_id in ids)
    return (last + 1, ids) if spoken_of or _meant(units, named, first, last, capitals) else None


def _typed_year(units: list[Unit], last: int) -> tuple[int, int | None]:
    """Return the year that is typed behind a title, and where that ends."""
    after = [unit.word for unit in units[last + 1 : last + 4]]
    if len(after) == 3 and after[0] == "(" and after[2] == ")" and re.fullmatch(r"[12]\d{3}", after[1]):
        return last + 4, int(after[1])
    if after and re.fullmatch(r"(?:19|20)\d\d", after[0]):
        return last + 2, int(after[0])
    return last + 1, None


def _meant(units: list[Unit], named: NamedTitle, first: int, last: int, capitals: bool) -> bool:
    """Whether words that are a title are meant as one."""
    before = units[first - 1].word if first else ""
    after = units[last + 1].word if last + 1 < len(units) else ""
    if before in _OPENING and after in _CLOSING and before and after:
        return True
    content = [u for u in units[first : last + 1] if u.is_word and u.word not in FUNCTION]
    starts = first == 0 or before in ".!?\n"
    capital = capitals and all(u.capital for u in content or units[first : last + 1])
    cued = _cued(units, first)
    ends = after == "" or after in _ENDS or units[last + 1].word[:1].isupper()
    if len(named.words) > 1 and not named.common:
        return True
    if not content:  # "It", "Her", "What If"
        return capital and not starts and cued and ends
    if not named.common:
        return capital or (ends and (cued or starts or before in {",", "and", "or"}))
    if len(named.words) > 1:
        return (capital and (not starts or ends)) or (cued and ends)
    return capital and (not starts or (ends and after in {"", ".", "!", ","}))


def _cued(units: list[Unit], first: int) -> bool:
    """Whether a word stands before that a title may follow."""
    place = first - 1
    while place >= 0 and units[place].word in _BRIDGES and first - place < 4:
        place -= 1
    return place >= 0 and units[place].word in _CUES


# Years

_Y = (
    rf"(?:(?:the )?(?:early |late |mid )?(?:(?:1[89]|20)\d\d|(?:(?:19|20)\d|\d)0s|{'|'.join(DECADES)})(?!\w))"
)
_THAN = r"(?:(?:not|no|nothing|none) )?(?:older|earlier|newer|later|younger) than"
_SINCE = r"(?:not |nothing )?(?:before|after)|since|until|up to|prior to|post(?: -)?|pre(?: -)?|starting (?:in|from)"
_YEARS = re.compile(
    rf"(?<!\w)(?:(?:between|from) {_Y} (?:and|to|until|till|-|–) (?:{_Y}|present|now|today)"
    rf"|(?:{_THAN}|{_SINCE}) {_Y}|from {_Y} on(?:wards?)?"
    rf"|(?:(?:from|in|of|during|around) )?{_Y}(?: (?:(?:or|and|to|-) {_Y}|(?:or|and) (?:later|newer|after|younger|onwards?|earlier|older|before|up)))*)"
)
_OPEN = re.compile(r"from (\d{4}) (?:to|until|till|-|–) (?:present|now|today)")
_OF_DECADE = re.compile(
    rf"(before|after|older than|earlier than|newer than|later than|pre(?: -)?|post(?: -)?|since|until) {_Y}"
)


def _years(units: list[Unit], text: str) -> list[Unit]:
    line = Line(units)
    for match, found in list(line.find(_YEARS)):
        bounds = _bounds(match.group())
        if bounds is not None:
            first = next(place for place, unit in enumerate(units) if unit is found[0])
            units[first : first + len(found)] = [one(found, "Y", bounds)]
    return units


def _bounds(words: str) -> NamedYears | None:
    if stated := _OPEN.search(words):
        return NamedYears(int(stated[1]), None)
    if (around := _OF_DECADE.fullmatch(words)) and not re.search(r"\d{4}$", words):
        within = year_bounds(words[len(around[1]) :])
        if within is None or within[0] is None or within[1] is None:
            return None
        if around[1] in {"after", "newer than", "later than"} or around[1].startswith("post"):
            return NamedYears(within[1] + 1, None)
        return NamedYears(within[0], None) if around[1] == "since" else NamedYears(None, within[0] - 1)
    bounds = year_bounds(words)
    if bounds is not None:
        return NamedYears(*bounds)
    years = [int(year) for year in re.findall(r"\d{4}", words)]
    return NamedYears(min(years), max(years)) if years else None


# Values and persons


def _values(units: list[Unit], vocabulary: Vocabulary) -> list[Unit]:
    merged: list[Unit] = []
    places = [place for place, unit in enumerate(units) if unit.is_word and unit.meaning is None]
    bare = [units[place].word for place in places]
    number = {place: n for n, place in enumerate(places)}
    at = 0
    while at < len(units):
        found = vocabulary.value_at(bare, number[at]) if at in number else None
        if found is not None:
            last = places[number[at] + found[0] - 1]
            span = units[at : last + 1]
            if _together(span) and (not found[1].surname or units[at].capital or _credited(units, at)):
                merged.append(one(span, "P" if found[1].person else "V", found[1]))
                at = last + 1
                continue
        merged.append(units[at])
        at += 1
    return merged


def _together(span: list[Unit]) -> bool:
    return all(unit.meaning is None and unit.word not in {".", "!", "?", ",", ";", "\n"} for unit in span[1:])


def _credited(units: list[Unit], place: int) -> bool:
    return place > 0 and units[place - 1].word in {"by", "starring", "with", "director", "actor"}


# Items by their place

_PLACES = "|".join(word for word in NUMBERS if word not in {"one"} and not word.isdigit())
_ORDINAL = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|1st|2nd|3rd|4th|5th|last|final)"
)
_COUNT = r"(?:two|three|four|five|2|3|4|5|couple|few)"
_NOUN = r"(?:ones?|I|options?|suggestions?|recommendations?|choices?|picks?|items?)"
_PLACED = (
    (
        "slice",
        re.compile(
            rf"(?<!\w)(?:the |your |those )?(first|last) ({_COUNT})(?: {_NOUN})?(?!\w| years| months| weeks| days| decades)"
        ),
    ),
    (
        "ordinal",
        re.compile(
            rf"(?<!\w)(?:the|your|that) ({_ORDINAL})(?: {_NOUN})?(?: you \w+)?(?!\w| few| couple| years?| decades?| \d)"
        ),
    ),
    (
        "number",
        re.compile(r"(?<!\w)(?:(?:number|no \.|#|nr|option|choice) ?)(\d|one|two|three|four|five)(?!\w)"),
    ),
)


def place_shown(line: Line, shown: tuple[str, ...], count: int) -> None:
    """Put items that are named by their place into one unit each, `S`.

    Args:
        line: Some of the turn's units, which are changed.
        shown: Ids of the items shown last.
        count: How many places there are: of items, or of the options of a question.
    """
    for sort, pattern in _PLACED:
        for match, found in list(line.find(pattern)):
            places = _places(sort, match, count)
            ids = tuple(shown[place] for place in places if place < len(shown))
            first = next((n for n, unit in enumerate(line.units) if unit is found[0]), None)
            if first is not None and not any(unit.meaning for unit in found):
                line.units[first : first + len(found)] = [one(found, "S", NamedItems(ids, True, places))]
                line.write()


def _places(sort: str, match: re.Match[str], count: int) -> tuple[int, ...]:
    if sort == "slice":
        some = {"couple": 2, "few": 3}.get(match[2]) or NUMBERS.get(match[2]) or int(match[2])
        return tuple(range(count))[:some] if match[1] == "first" else tuple(range(count))[-some:]
    if match[1] in {"last", "final"}:
        return (count - 1,) if count else ()
    place = (NUMBERS.get(match[1]) or int(match[1])) - 1
    return (place,) if 0 <= place < count else ()
