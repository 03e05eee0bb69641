"""Whether a simulated user told which item they have in mind.

A benchmark of conversations is worth nothing where the seeker names what is to be found (the data leakage that Zhu et al. 2024, "How
Reliable is Your Simulator?", measured in iEvaLM), so what a seeker says is read again, without a model. Titles are found through case,
accents, punctuation, articles, numerals and small misspellings, and by a piece that no other title of the catalogue has. What is made of ordinary words alone
("It", "Scary Movie") is found only where it stands as a title.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from limner.agents.simulators.naming import Name, Naming, Word, naming, words_of
from limner.agents.simulators.ordinary import FUNCTION_WORDS
from limner.tools import Catalogue

__all__ = ["Leak", "leaks"]

_YEAR_BEHIND = re.compile(r"[\"'”’»*_]{0,3},?\s*(?:\((\d{4})\)|((?:19|20)\d\d)\b(?!\s*s))")
_SEQUEL = re.compile(r"[ ]?(?:[2-9]|1[0-3]|two|three|four|five|ii|iii|iv|vi{0,3})\b(?![\d.])", re.IGNORECASE)
_TITLE_YEAR = re.compile(r"\((\d{4})\)\s*$")
_OPENING, _CLOSING = "\"'“‘«„*_", "\"'”’»“*_"
_STARTS_BEFORE = re.compile(r"(?:^|[.!?…:;\n)]|\s[-–—])[\s\"'“‘«„*_(\-]*$")
_SHORT, _LONG = 7, 12
"""Letters from which one, and from which two, may be wrong."""
_SHOUTING = 0.7


@dataclass(frozen=True)
class Leak:
    """What was told."""

    item_id: str
    """Of the item that can be recognised."""
    words: str
    """The words of the text that give it away, as they stand there."""
    how: Literal["title", "misspelt", "piece"]
    """By its title, by its title with a letter or two wrong, or by a piece that no other title has."""


def leaks(text: str, targets: Iterable[str], catalogue: Catalogue) -> Leak | None:
    """Return what in a text gives away one of the targets, or none.

    A title with the year of another film, and one that is part of a longer title of the catalogue ("Frozen" in "Frozen Fever"), name something else.
    The text is judged by itself: whether the other side had named the item before is for the caller to know.

    Args:
        text: What the seeker said.
        targets: Ids of the items that must not be named.
        catalogue: Which has them; its other titles and its descriptions say what is distinctive.

    Raises:
        NotFound: The catalogue has no such id.
    """
    known = naming(catalogue)
    reading = _Reading(text, known)
    for item_id in targets:
        dated = _TITLE_YEAR.search(catalogue.get(item_id).title)
        names = known.names(item_id)
        year = dated[1] if dated else None
        others = [
            place
            for name in names
            if name.whole
            for place in reading.places(name)
            if reading.other_year(place[1], year)
        ]
        for how, start, end in reading.findings(names):
            if any(first <= start and end <= last for first, last in others) or reading.other_year(end, year):
                continue
            return Leak(item_id, text[start:end], how)
    return None


_Finding = tuple[Literal["title", "misspelt", "piece"], int, int]


class _Reading:
    """One text, searched for names."""

    def __init__(self, text: str, known: Naming) -> None:
        self._text = text
        self._known = known
        self._words = words_of(text)

    def findings(self, names: Sequence[Name]) -> Iterator[_Finding]:
        """Yield where names stand: titles, then misspelt ones, then pieces."""
        for name in names:
            for first, last in self._spans(name.words):
                if not self._something_else(name, first, last) and self._counts(name, first, last):
                    yield ("title" if name.whole else "piece"), *self._place(first, last)
        for name in names:
            for first, last in self._misspelt(name) if name.whole else ():
                if self._counts(name, first, last):
                    yield "misspelt", *self._place(first, last)

    def places(self, name: Name) -> list[tuple[int, int]]:
        """Return where the words of a name stand, whatever they mean there."""
        return [self._place(first, last) for first, last in self._spans(name.words)]

    def other_year(self, end: int, year: str | None) -> bool:
        """Whether the year of another film stands behind a title."""
        behind = _YEAR_BEHIND.match(self._text, end)
        return year is not None and behind is not None and (behind[1] or behind[2]) != year

    def _place(self, first: int, last: int) -> tuple[int, int]:
        return self._words[first].start, self._words[last].end

    def _spans(self, words: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        """Yield first and last word of each place where words stand in a row, however they are spaced."""
        wanted = "".join(words)
        for first in range(len(self._words)):
            joined = ""
            for last in range(first, len(self._words)):
                joined += self._words[last].form
                if joined == wanted:
                    yield first, last
                if len(joined) >= len(wanted):
                    break

    def _something_else(self, name: Name, first: int, last: int) -> bool:
        """Whether the words belong to a longer title, to a sequel, or to somebody's name."""
        if name.whole and _SEQUEL.match(self._text, self._words[last].end):
            return True
        if name.whole and first == last and self._is_part_of_value(first):
            return True
        return any(
            start <= first and last <= end
            for title in self._known.longer(name)
            if name.whole
            for start, end in self._spans(title)
        )

    def _is_part_of_value(self, place: int) -> bool:
        forms = [word.form for word in self._words]
        around = [forms[start : place + 2] for start in (place - 1, place) if start >= 0]
        around += [
            forms[place - 1 : place + 1],
            forms[place : place + 3],
            forms[max(0, place - 2) : place + 1],
        ]
        return any(self._known.valued(tuple(several)) for several in around)

    def _counts(self, name: Name, first: int, last: int) -> bool:
        if not name.ordinary or self._stands_as_title(first, last):
            return True
        # "Spiderman" is no word, though spider and man are.
        return first == last and len(name.words) > 1 and not self._known.ordinary(self._words[first].form)

    def _stands_as_title(self, first: int, last: int) -> bool:
        start, end = self._place(first, last)
        before, after = self._text[:start].rstrip(), self._text[end:]
        before = re.sub(r"\b(?:The|A|An)$", "", before).rstrip()
        quoted = before[-1:] and before[-1] in _OPENING and after.lstrip(".,!?")[:1] in tuple(_CLOSING)
        if quoted or _YEAR_BEHIND.match(self._text, end):
            return True
        if first == last and self._known.said_alone(self._words[first].form):
            return False
        return not self._shouted(first, last) and self._capitalised(self._words[first : last + 1])

    def _shouted(self, first: int, last: int) -> bool:
        """Whether nearly all other words have capitals too."""
        others = [
            self._text[word.start : word.end] for word in (*self._words[:first], *self._words[last + 1 :])
        ]
        letters = [word[0].isupper() for word in others if word[0].isalpha() and word != "I"]
        return len(letters) > 2 and sum(letters) >= _SHOUTING * len(letters)

    def _capitalised(self, words: Sequence[Word]) -> bool:
        """Whether the words that matter have capitals, and one of them is not there for beginning a sentence."""
        mattering = [word for word in words if not (word.form in FUNCTION_WORDS or word.form.isdigit())]
        mattering = mattering or list(words)
        if not all(self._text[word.start].isupper() for word in mattering):
            return False
        free = [word for word in mattering if not _STARTS_BEFORE.search(self._text[: word.start])]
        return any(self._text[word.start : word.end] not in {"I", "OK"} for word in free)

    def _misspelt(self, name: Name) -> Iterator[tuple[int, int]]:
        """Yield where a long title stands with a letter or two wrong."""
        wanted = name.joined
        allowed = 2 if len(wanted) >= _LONG else 1
        if len(wanted) < _SHORT:
            return
        for first in range(len(self._words)):
            for last in range(first, min(first + len(name.words) + 1, len(self._words))):
                forms = [word.form for word in self._words[first : last + 1]]
                joined = "".join(forms)
                if self._is_close(joined, wanted, allowed) and not self._means_itself(forms):
                    yield first, last

    def _is_close(self, joined: str, wanted: str, allowed: int) -> bool:
        if abs(len(joined) - len(wanted)) > allowed or joined[:1] != wanted[:1]:
            return False
        if re.sub(r"\D", "", joined) != re.sub(r"\D", "", wanted):
            return False
        return 0 < _distance(joined, wanted, allowed) <= allowed

    def _means_itself(self, forms: list[str]) -> bool:
        """Whether words that resemble a title are another title, or ordinary words."""
        if self._known.titled("".join(forms)):
            return True
        return all(self._known.ordinary(form) for form in forms)


def _distance(one: str, other: str, most: int) -> int:
    """Return how many letters have to be changed, put in, left out or swapped with the next; above `most`, any larger number."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        following = [i]
        for j, wanted in enumerate(other, start=1):
            cost = min(row[j] + 1, following[-1] + 1, row[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            following.append(cost)
        if min(following) > most:
            return most + 1
        before, row = row, following
    return row[-1]
