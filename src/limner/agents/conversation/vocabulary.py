"""The names that a catalogue knows: titles, values and persons, found in the words of a turn."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from limner.agents.conversation.lexicon import COMBINED, COMMON, SYNONYMS
from limner.agents.conversation.tokens import words_of
from limner.profiles.propositions.findings import is_year
from limner.tools import Attribute, Catalogue
from limner.tools.names import display_title

__all__ = ["NamedTitle", "NamedValue", "Vocabulary"]

_YEAR = re.compile(r"\s*\((\d{4})\)\s*$")
_ASIDE = re.compile(r"\s*\(([^()]*)\)")
_MANY = 200
"""From so many values on, a value that is a word of daily talk is left alone: it is seldom meant."""
_LONGEST = 14
_WELL_KNOWN, _FAR_MORE = 4, 3
"""From so many items on, and so many times those of the next, the bearer of a surname is who is meant by it."""
_Words = tuple[str, ...]


@dataclass(frozen=True)
class NamedTitle:
    """What people call one or several items."""

    words: _Words
    items: tuple[tuple[str, int | None], ...]
    """Ids with the year of each, where it is known."""
    whole: bool = True
    """Whether it is the whole title, and not its beginning or the title without its article."""

    @property
    def common(self) -> bool:
        """Whether it is made of words of daily talk alone."""
        return all(word in COMMON or word.isdigit() for word in self.words)

    def of_year(self, year: int) -> tuple[str, ...]:
        """Return the ids of those from a year."""
        return tuple(item_id for item_id, known in self.items if known == year)


@dataclass(frozen=True)
class NamedValue:
    """Values of the catalogue that some words stand for."""

    choices: tuple[tuple[str, str], ...]
    """Pairs of attribute and value, any of which is meant; all of them where `joint`."""
    person: bool = False
    joint: bool = False
    surname: bool = False


class Vocabulary:
    """An index of what the items and values of a catalogue are called.

    Args:
        catalogue: Whose names count.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.attributes: dict[str, Attribute] = {a.name: a for a in catalogue.attributes()}
        self.year = next(
            (
                a.name
                for a in self.attributes.values()
                if a.kind == "number" and is_year(a.name, a.maximum or 0.0)
            ),
            None,
        )
        self._titles: dict[str, list[NamedTitle]] = {}
        self._values: dict[str, list[tuple[_Words, NamedValue]]] = {}
        self._held = Counter(
            (name, text)
            for item in catalogue
            for name, value in item.attributes.items()
            for text in ((value,) if isinstance(value, str) else value if isinstance(value, tuple) else ())
        )
        self._index_titles(catalogue)
        self._index_values()

    def titles_at(self, words: list[str], place: int) -> Iterator[NamedTitle]:
        """Yield the titles that stand at a place of some words, longest first."""
        for named in self._titles.get(words[place], ()):
            if tuple(words[place : place + len(named.words)]) == named.words:
                yield named

    def value_at(self, words: list[str], place: int) -> tuple[int, NamedValue] | None:
        """Return the longest value or person that stands at a place of some words, and over how many words."""
        for key, named in self._values.get(words[place], ()):
            if tuple(words[place : place + len(key)]) == key:
                return len(key), named
        return None

    def values_of(self, words: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Return the pairs of attribute and value that any of some value words stands for, as the catalogue spells them."""
        found: dict[tuple[str, str], None] = {}
        for word in words:
            key = words_of(word)
            for known, named in self._values.get(key[0], ()):
                if known == key and not named.person:
                    found |= dict.fromkeys(named.choices)
        return tuple(found)

    # Index

    def _index_titles(self, catalogue: Catalogue) -> None:
        whole: dict[_Words, dict[str, int | None]] = {}
        parts: dict[_Words, dict[str, int | None]] = {}
        for item in catalogue:
            shown = display_title(item.title)
            in_title = _YEAR.search(shown)
            known = item.attributes.get(self.year) if self.year else None
            year = int(in_title[1]) if in_title else int(known) if isinstance(known, float) else None
            bare = _YEAR.sub("", shown)
            for name in {_ASIDE.sub("", bare), *_ASIDE.findall(bare)}:
                if key := words_of(name)[:_LONGEST]:
                    whole.setdefault(key, {})[item.id] = year
                    for part in _parts(name, key):
                        parts.setdefault(part, {})[item.id] = year
        for key, items in whole.items():
            self._add_title(NamedTitle(key, tuple(items.items())))
        for key, items in parts.items():
            if key not in whole and not all(word in COMMON for word in key):
                self._add_title(NamedTitle(key, tuple(items.items())[:4], whole=False))
        for titles in self._titles.values():
            titles.sort(key=lambda named: -len(named.words))

    def _add_title(self, named: NamedTitle) -> None:
        self._titles.setdefault(named.words[0], []).append(named)

    def _index_values(self) -> None:
        forms: dict[_Words, dict[tuple[str, str], None]] = {}
        persons: dict[_Words, dict[tuple[str, str], None]] = {}
        surnames: dict[str, dict[str, int]] = {}
        first_names: set[str] = set()
        for attribute in self.attributes.values():
            named = _names_persons(attribute)
            for value in attribute.values:
                key = words_of(value)
                if not key or (len(attribute.values) > _MANY and all(word in COMMON for word in key)):
                    continue
                pair = (attribute.name, value)
                (persons if named else forms).setdefault(key, {})[pair] = None
                if named and len(key) > 1:
                    first_names.add(key[0])
                    bearers = surnames.setdefault(key[-1], {})
                    bearers[value] = bearers.get(value, 0) + self._held[pair]
        own = dict(forms)
        self._add_forms(forms, own)
        self._add_people(persons, surnames, first_names, forms)
        for key, pairs in forms.items():
            if key not in persons:
                self._add_value(key, NamedValue(tuple(pairs)))
        for word, parts in COMBINED.items():
            meant = [pair for part in parts for pair in list(own.get(words_of(part), ()))[:1]]
            if len(meant) == len(parts):
                self._add_value(words_of(word), NamedValue(tuple(meant), joint=True))
        for values in self._values.values():
            values.sort(key=lambda pair: -len(pair[0]))

    @staticmethod
    def _add_forms(
        forms: dict[_Words, dict[tuple[str, str], None]], own: Mapping[_Words, Mapping[tuple[str, str], None]]
    ) -> None:
        """Add what a value is called besides, where no value is called so itself."""
        for key, pairs in own.items():
            for form in _forms(key):
                if form not in own:
                    forms.setdefault(form, {}).update(pairs)

    def _add_people(
        self,
        persons: Mapping[_Words, Mapping[tuple[str, str], None]],
        surnames: Mapping[str, dict[str, int]],
        first_names: Collection[str],
        forms: Collection[_Words],
    ) -> None:
        """Add persons by their names, and by a surname that stands out."""
        people = {
            key: NamedValue(tuple(sorted(pairs, key=lambda pair: -self._held[pair])), person=True)
            for key, pairs in persons.items()
        }
        for key, person in people.items():
            self._add_value(key, person)
        for surname, bearers in surnames.items():
            bearer = _outstanding(bearers)
            if (
                bearer
                and surname not in first_names
                and surname not in COMMON
                and (surname,) not in forms
                and (surname,) not in persons
            ):
                self._add_value((surname,), replace(people[words_of(bearer)], surname=True))

    def _add_value(self, key: _Words, named: NamedValue) -> None:
        self._values.setdefault(key[0], []).append((key, named))


def _parts(name: str, key: _Words) -> Iterator[_Words]:
    """Yield what else a title is called: without its article, or by what stands before a colon."""
    if key[0] in {"the", "a", "an"} and len(key) > 1:
        yield key[1:]
    before = re.split(r":| - | – ", name, maxsplit=1)[0]
    if before != name and (short := words_of(before)):
        yield short
        if short[0] == "the" and len(short) > 1:
            yield short[1:]


def _forms(key: _Words) -> Iterator[_Words]:
    """Yield the plural and other words for a value."""
    *rest, last = key
    if last.endswith("y") and last[-2:-1] not in set("aeiou"):
        yield (*rest, f"{last[:-1]}ies")
    elif not last.endswith("s"):
        yield (*rest, f"{last}s")
    for word in SYNONYMS.get(" ".join(key), ()):
        yield words_of(word)


def _names_persons(attribute: Attribute) -> bool:
    """Whether the values of an attribute look like names of people: two words and more, each with a capital."""
    if len(attribute.values) < 5:
        return False
    names = sum(
        len(parts := value.split()) > 1 and all(p[:1].isupper() for p in parts) for value in attribute.values
    )
    return names >= 0.7 * len(attribute.values)


def _outstanding(bearers: dict[str, int]) -> str | None:
    """Return who is meant by a surname: its one bearer, or the one with far more items than any other."""
    (first, most), *others = sorted(bearers.items(), key=lambda pair: -pair[1])
    if not others or (most >= _WELL_KNOWN and most >= _FAR_MORE * others[0][1]):
        return first
    return None
