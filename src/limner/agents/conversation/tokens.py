"""A turn as units that patterns can be written over: words without case and accents, marks, and what was recognised in it."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Line", "Unit", "plain_word", "units", "words_of"]

_TOKEN = re.compile(r"[^\W_]+(?:['’´`][^\W_]+| ['’](?:t|s|m|re|ve|ll|d)\b)*|[^\w\s]|\n|_")
_APOSTROPHES = re.compile(r"['’´` ]")
_SAID_SO = {"&": "and", "…": "."}


@dataclass
class Unit:
    """One word or mark of a turn, or several that name one thing."""

    start: int
    end: int
    word: str
    """Without case, accents and apostrophes; a capital letter and a number for what was recognised, such as `T0`."""
    capital: bool = False
    """Whether it is written with a capital first letter."""
    taken: bool = False
    """Whether an act accounts for it already."""
    meaning: object = None
    """What was recognised."""

    @property
    def is_word(self) -> bool:
        """Whether it is a word or a number and no mark."""
        return self.word[:1].isalnum()


def plain_word(word: str) -> str:
    """Return a word without case, accents and apostrophes."""
    letters = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", word).casefold())
    return "".join(c for c in letters if not unicodedata.combining(c) and not c.isspace()) or "_"


def units(text: str) -> list[Unit]:
    """Return the words and marks of a text, in order."""
    found = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        word = _SAID_SO.get(token) or plain_word(token)
        found.append(Unit(match.start(), match.end(), word, token[:1].isupper()))
    return found


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text as `units` has them, without the marks."""
    return tuple(unit.word for unit in units(text) if unit.is_word)


@dataclass
class Line:
    """Some units in a row, written out so that patterns can be searched in them; a unit that is taken matches nothing."""

    units: list[Unit]
    text: str = field(init=False)
    _starts: dict[int, int] = field(init=False)
    _ends: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.write()

    def write(self) -> None:
        """Write the line anew, after units were taken."""
        pieces, place = [], 0
        self._starts, self._ends = {}, {}
        for number, unit in enumerate(self.units):
            piece = "_" if unit.taken else unit.word
            self._starts[place] = number
            self._ends[place + len(piece)] = number
            pieces.append(piece)
            place += len(piece) + 1
        self.text = " ".join(pieces)

    def offset(self, unit: Unit) -> int:
        """Return where the written line goes on behind a unit."""
        return next(end for end, number in self._ends.items() if self.units[number] is unit)

    def find(self, pattern: re.Pattern[str]) -> Iterator[tuple[re.Match[str], list[Unit]]]:
        """Yield each match of whole units that are free, with its units; those taken meanwhile are passed over."""
        place = 0
        while (match := pattern.search(self.text, place)) is not None:
            place = max(match.end(), match.start() + 1)
            found = self.within(match.start(), match.end())
            if found:
                yield match, found

    def within(self, start: int, end: int) -> list[Unit]:
        """Return the units that a stretch of the written line covers; none where it cuts through one."""
        while end > start and self.text[end - 1] == " ":
            end -= 1
        while start < end and self.text[start] == " ":
            start += 1
        first, last = self._starts.get(start), self._ends.get(end)
        return [] if first is None or last is None else self.units[first : last + 1]

    def take(self, taken: list[Unit]) -> None:
        """Let the units match nothing any more."""
        for unit in taken:
            unit.taken = True
        self.write()
