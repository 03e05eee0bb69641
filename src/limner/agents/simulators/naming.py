"""By which names an item can be recognised: its title, its title in another language, and pieces that no other title has."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

from limner.agents.simulators.ordinary import FUNCTION_WORDS, ORDINARY_WORDS, TALK_WORDS
from limner.tools import Catalogue, Item
from limner.tools.names import display_title

__all__ = ["Name", "Naming", "Word", "naming", "words_of"]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_YEAR = re.compile(r"\s*\((\d{4})\)\s*$")
_ALSO = re.compile(r"\(([^()]*)\)")
_ARTICLES = frozenset({"the", "a", "an"})
_NUMBERS = {
    form: str(number)
    for number, forms in {
        1: "one",
        2: "two ii",
        3: "three iii",
        4: "four iv",
        5: "five",
        6: "six vi",
        7: "seven vii",
        8: "eight viii",
        9: "nine ix",
        10: "ten",
        11: "eleven xi",
        12: "twelve xii",
        13: "thirteen xiii",
    }.items()
    for form in forms.split()
}
_INTERJECTIONS = frozenset([
    "yes",
    "no",
    "ok",
    "okay",
    "lol",
    "haha",
    "hello",
    "hi",
    "hey",
    "oh",
    "yeah",
    "thanks",
    "sorry",
    "sure",
    "wow",
])
_TELLING_VOCABULARY = 2000
"""Different words in lower case from which descriptions tell what is no ordinary word."""
_REPEATED = 3
"""Descriptions that have a word in lower case, from which it is an ordinary word."""
_SHORTEST = 5
"""Letters of a word that is enough of a title by itself."""
_FEW_VALUES = 80
"""An attribute with no more values than this has words such as *horror* and *drama* for them."""


@dataclass(frozen=True)
class Word:
    """A word of a text in the form in which words are compared, and where it stands."""

    form: str
    start: int
    end: int


@dataclass(frozen=True)
class Name:
    """Something that an item can be recognised by."""

    words: tuple[str, ...]
    whole: bool
    """Whether it is a title, and not a piece of one."""
    ordinary: bool
    """Whether the same words are often said without naming anything."""

    @property
    def joined(self) -> str:
        """The words without spaces, so that "Spiderman" is "Spider-Man"."""
        return "".join(self.words)


def words_of(text: str) -> list[Word]:
    """Return the words of a text: without case, accents and apostrophes, numbers as digits, and without *and*."""
    found = [Word(_form(match[0]), *match.span()) for match in _WORD.finditer(text)]
    return [word for word in found if word.form != "and"]


@lru_cache(maxsize=100_000)
def _form(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word.casefold())
    bare = "".join(c for c in letters if not unicodedata.combining(c)).replace("'", "").replace("’", "")
    return _NUMBERS.get(bare, bare)


class Naming:
    """The names of the items of one catalogue.

    Args:
        catalogue: Its descriptions, where it has them, also say which words are ordinary.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._titles = {item.id: _title_words(item.title) for item in catalogue}
        self._spaced = {item_id: f" {' '.join(words)} " for item_id, words in self._titles.items()}
        self._joined = Counter("".join(words) for words in self._titles.values())
        self._holders: Counter[str] = Counter()
        lower: Counter[str] = Counter()
        for item in catalogue:
            self._holders.update(_all_words(item))
            lower.update({_form(m[0]) for m in _WORD.finditer(item.description) if m[0].islower()})
        self._judges = len(lower) >= _TELLING_VOCABULARY
        self._plain = frozenset(word for word, items in lower.items() if items >= _REPEATED)
        self._described = " ".join(item.description for item in catalogue)
        self._kinds, self._values = _values(catalogue)
        self._names: dict[str, tuple[Name, ...]] = {}

    def ordinary(self, word: str) -> bool:
        """Whether a word is said without naming anything: in lower case in a description, say."""
        return word in ORDINARY_WORDS or word in self._plain or word in self._kinds or word.isdigit()

    def said_alone(self, word: str) -> bool:
        """Whether a word is a sentence by itself, or a kind of items, so often that a capital means nothing."""
        return word in self._kinds or word in _INTERJECTIONS

    def names(self, item_id: str) -> tuple[Name, ...]:
        """Return by what an item can be recognised: titles first, then pieces of them, the longer first.

        Raises:
            NotFound: The catalogue has no such id.
        """
        if item_id not in self._names:
            self._names[item_id] = tuple(self._named(self._catalogue.get(item_id)))
        return self._names[item_id]

    def titled(self, joined: str) -> bool:
        """Whether an item has this title, in lower case and without spaces."""
        return joined in self._joined

    def valued(self, forms: tuple[str, ...]) -> bool:
        """Whether several words are a value of the catalogue, such as a person's name."""
        return forms in self._values

    def longer(self, name: Name) -> Iterator[tuple[str, ...]]:
        """Yield the titles that have all of a name's words in a row, and more."""
        piece = f" {' '.join(name.words)} "
        for item_id, spaced in self._spaced.items():
            if piece in spaced and len(spaced) > len(piece):
                yield self._titles[item_id]

    def _named(self, item: Item) -> Iterator[Name]:
        whole = dict.fromkeys(filter(None, [self._titles[item.id], *_also(item.title)]))
        for words in whole:
            yield Name(words, True, self._ordinary_title(words))
        pieces = {run for words in whole for run in _runs(words)} - set(whole)
        for run in sorted(pieces, key=lambda run: (-len(run), run)):
            told = [word for word in run if not self.ordinary(word)]
            content = [word for word in run if word not in FUNCTION_WORDS]
            if self._telling(item, run, told, content):
                yield Name(run, False, not told and len(content) < 3)

    def _ordinary_title(self, words: tuple[str, ...]) -> bool:
        if self.ordinary("".join(words)):
            return True
        if len(words) > 2 or not all(map(self.ordinary, words)):
            return False
        pair = rf"\b{words[0]}[ -]{words[-1]}\b"
        return not TALK_WORDS.isdisjoint(words) or bool(re.search(pair, self._described))

    def _telling(self, item: Item, run: tuple[str, ...], told: list[str], content: list[str]) -> bool:
        """Whether a piece of a title is of no other item's title, and is more than a word that turns up anywhere."""
        if len(run) == 1:
            sure = self._judges or _word_before_colon(item.title) == run[0]
            return (
                sure
                and bool(told)
                and len(run[0]) >= _SHORTEST
                and self._holders[run[0]] <= self._own(item, run[0])
            )
        if len(content) < 2:
            return False
        piece = f" {' '.join(run)} "
        mine = self._titles[item.id]
        return not any(
            piece in spaced and self._titles[item_id] != mine for item_id, spaced in self._spaced.items()
        )

    def _own(self, item: Item, word: str) -> int:
        """Return how many of the items that have a word are this one, or have its title."""
        same = [i for i, words in self._titles.items() if words == self._titles[item.id]]
        return sum(word in _all_words(self._catalogue.get(item_id)) for item_id in same)


_known: WeakKeyDictionary[Catalogue, Naming] = WeakKeyDictionary()


def naming(catalogue: Catalogue) -> Naming:
    """Return the names of a catalogue's items, worked out once."""
    found = _known.get(catalogue)
    if found is None:
        found = _known[catalogue] = Naming(catalogue)
    return found


def _title_words(title: str) -> tuple[str, ...]:
    """Return the words of a title without its year, what else stands in parentheses, and a leading article."""
    bare = display_title(_ALSO.sub(" ", _YEAR.sub("", title)).strip() or title)
    return _unarticled(word.form for word in words_of(bare))


def _word_before_colon(title: str) -> str | None:
    before, colon, _ = title.partition(":")
    words = _title_words(before)
    return words[0] if colon and len(words) == 1 else None


def _also(title: str) -> list[tuple[str, ...]]:
    inside = [match[1] for match in _ALSO.finditer(title) if not match[1].isdigit()]
    return [_unarticled(word.form for word in words_of(display_title(other))) for other in inside]


def _unarticled(forms: Iterator[str]) -> tuple[str, ...]:
    words = tuple(forms)
    return words[1:] if len(words) > 1 and words[0] in _ARTICLES else words


def _runs(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the pieces of a title that neither begin nor end with a function word."""
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            if not FUNCTION_WORDS.intersection((words[start], words[end - 1])):
                yield words[start:end]


def _values(catalogue: Catalogue) -> tuple[frozenset[str], frozenset[tuple[str, ...]]]:
    """Return the words of attributes that have few values, and the values of several words of all."""
    kinds: set[str] = set()
    several: set[tuple[str, ...]] = set()
    for attribute in catalogue.attributes():
        for value in attribute.values:
            forms = tuple(word.form for word in words_of(value))
            if len(attribute.values) <= _FEW_VALUES:
                kinds.update(forms)
            if len(forms) > 1:
                several.add(forms)
    return frozenset(kinds), frozenset(several)


def _all_words(item: Item) -> frozenset[str]:
    values = [value for value in item.attributes.values() if not isinstance(value, float)]
    texts = [item.title, item.description]
    for value in values:
        texts += (value,) if isinstance(value, str) else value
    return frozenset(word.form for text in texts for word in words_of(text))
