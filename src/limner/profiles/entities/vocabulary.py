"""A vocabulary of entities, and finding them in a text: by their words, in any case and in the plural; no model is asked."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from limner.errors import InputError
from limner.memory.lexical import tokenize

if TYPE_CHECKING:
    from limner.tools import Dataset

__all__ = ["Entity", "Mention", "Vocabulary", "without_year"]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
_ENDINGS = (
    (re.compile(r"['’]s$"), ""),
    (re.compile(r"(?<=\w{2})ies$"), "y"),
    (re.compile(r"(?<=ss|ch|sh)es$|(?<=x)es$"), ""),
    (re.compile(r"(?<=\w{2}[^su])s$"), ""),
)
_YEAR = re.compile(r"\s*\(\d{4}\)\s*$")
_BEHIND = re.compile(r"^(?P<rest>.+), (?P<article>The|A|An)$")
_LONGEST = 12
"""Most words of a name."""
_VALUE = 60
"""Characters of an attribute's value beyond which it is a text and no name."""
_SHORTEST = 3
"""Letters of a title of one word; shorter ones are words of any sentence."""


class Entity(NamedTuple):
    """Something that has a name."""

    name: str
    kind: str
    """Such as `genre`, `director` or `film`."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Where an entity is named: `text[start:end]`."""

    entity: Entity
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Token:
    stem: str
    start: int
    end: int


class Vocabulary:
    """Entities by name.

    Args:
        names: Each entity with the other names that it goes by.
        titles: Kinds whose names are titles: one of one word ("It", "Her") counts only where it stands capitalised within a sentence.
    """

    def __init__(self, names: Mapping[Entity, Iterable[str]], titles: Iterable[str] = ()) -> None:
        self._names = {entity: (entity.name, *others) for entity, others in names.items()}
        self._titles = frozenset(titles)

    @classmethod
    def of(cls, dataset: "Dataset | None", path: Path | None) -> "Vocabulary":
        """Return what a data set and a file hold together.

        Args:
            dataset: Its titles, and its categorical values by attribute; none where there is none.
            path: A JSON file: `{"kind": ["name", ...]}`, or `{"kind": {"name": ["other name", ...]}}`.

        Raises:
            InputError: The file cannot be read, or is of another form.
        """
        names: dict[Entity, list[str]] = {}
        titles = [] if dataset is None else [dataset.item_type]
        for item in dataset.catalogue if dataset is not None else ():
            names[Entity(item.title, titles[0])] = list(_short_names(item.title))
            for attribute, value in item.attributes.items():
                for one in (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ():
                    if one.strip() and len(one) <= _VALUE:
                        names.setdefault(Entity(one, attribute), [])
        if path is not None:
            names.update(_of_file(path))
        return cls(names, titles)

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[Entity]:
        return iter(self._names)

    @cached_property
    def version(self) -> str:
        """First 12 hexadecimal digits of a hash of the names."""
        listed = json.dumps([[*entity, *names] for entity, names in self._names.items()], ensure_ascii=False)
        return hashlib.sha256(listed.encode()).hexdigest()[:12]

    def is_title(self, entity: Entity) -> bool:
        """Return whether the name of an entity is the title of something that there is."""
        return entity.kind in self._titles

    def link(self, text: str) -> list[Mention]:
        """Return the entities that a text names, in order; of two that overlap, the one with more words."""
        tokens = list(_tokens(text))
        found: list[Mention] = []
        place = 0
        while place < len(tokens):
            entity, length = self._at(tokens, place, text)
            if entity is not None:
                found.append(Mention(entity, tokens[place].start, tokens[place + length - 1].end))
            place += length
        return found

    def beginning_with(self, start: str, limit: int) -> list[Entity]:
        """Return entities whose name, or a word of it, begins with these letters; those of the beginning first."""
        wanted = start.casefold()
        whole = [one for one in self._names if one.name.casefold().startswith(wanted)]
        within = [
            one
            for one in self._names
            if any(word.startswith(wanted) for word in one.name.casefold().split()[1:])
        ]
        return list(dict.fromkeys([*whole, *within]))[:limit]

    def _at(self, tokens: list[_Token], place: int, text: str) -> tuple[Entity | None, int]:
        for length, stems, entity, name in self._by_first.get(tokens[place].stem, ()):
            here = tokens[place : place + length]
            if tuple(token.stem for token in here) == stems and self._is_meant(entity, name, here, text):
                return entity, length
        return None, 1

    def _is_meant(self, entity: Entity, name: str, here: list[_Token], text: str) -> bool:
        if entity.kind not in self._titles or len(here) > 1:
            return True
        written = text[here[0].start : here[0].end]
        begins = not text[: here[0].start].rstrip() or text[: here[0].start].rstrip()[-1] in ".!?:"
        return len(written) >= _SHORTEST and written == name and written[0].isupper() and not begins

    @cached_property
    def _by_first(self) -> dict[str, list[tuple[int, tuple[str, ...], Entity, str]]]:
        found: dict[str, list[tuple[int, tuple[str, ...], Entity, str]]] = {}
        for entity, names in self._names.items():
            for name in names:
                stems = tuple(token.stem for token in _tokens(name))
                if 1 <= len(stems) <= _LONGEST:
                    found.setdefault(stems[0], []).append((len(stems), stems, entity, name))
        for named in found.values():
            named.sort(key=lambda one: -one[0])
        return found


def _tokens(text: str) -> Iterator[_Token]:
    """Yield the words of a text with their places; scripts without blanks give pairs of characters."""
    for match in _WORD.finditer(text):
        stems = tokenize(match.group()) if _UNSPACED.search(match.group()) else [_singular(match.group())]
        pairs = len(stems) > 1 and len(stems) == len(match.group()) - 1
        for number, stem in enumerate(stems):
            start = match.start() + number if pairs else match.start()
            yield _Token(stem, start, start + 2 if pairs else match.end())


def _singular(word: str) -> str:
    """Return a word in lower case without the ending of an English plural or genitive.

    No stem: "music" and "musical" have the same.
    """
    folded = unicodedata.normalize("NFKC", word).casefold()
    return next((end.sub(put, folded) for end, put in _ENDINGS if end.search(folded)), folded)


def without_year(title: str) -> str:
    """Return a title without the year in parentheses behind it."""
    return _YEAR.sub("", title) or title


def _short_names(title: str) -> Iterator[str]:
    """Yield a title without its year, and with the article in front that catalogues put behind."""
    bare = without_year(title)
    if bare != title:
        yield bare
    if (moved := _BEHIND.match(bare)) is not None:
        yield f"{moved['article']} {moved['rest']}"


def _of_file(path: Path) -> dict[Entity, list[str]]:
    try:
        kinds = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"The vocabulary {path} cannot be read: {error}.") from error
    if not isinstance(kinds, dict):
        raise InputError(f'The vocabulary {path} is no object: write {{"kind": ["name", ...]}}.')
    names: dict[Entity, list[str]] = {}
    for kind, listed in kinds.items():
        others = dict.fromkeys(map(str, listed), ()) if isinstance(listed, list) else listed
        plain = not isinstance(listed, list) or _are_names(listed)
        if not (plain and isinstance(others, dict) and all(map(_are_named, others.items()))):
            raise InputError(
                f"The vocabulary {path}, {kind!r}: it has to be a list of names, or an object from each name to a list of others."
            )
        names.update({Entity(name, kind): list(more) for name, more in others.items()})
    return names


def _are_named(item: tuple[object, object]) -> bool:
    name, others = item
    return isinstance(others, list | tuple) and _are_names([name, *others])


def _are_names(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) and value.strip() for value in values)
