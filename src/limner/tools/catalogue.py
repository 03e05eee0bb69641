"""The items that can be recommended, with typed attributes; nothing outside the catalogue ever is."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError, model_validator

from limner.errors import InputError, NotFound
from limner.memory.records import AttributeValue, Record
from limner.tools.attributes import Attribute, Column, Kind, column, infer_kind
from limner.tools.filters import Filter
from limner.tools.names import nearest, same
from limner.tools.validation import validated

__all__ = ["Catalogue", "Item"]

_YEAR = re.compile(r" \(\d{4}\)$")
_BUILT_IN: Mapping[str, Kind] = {"title": "text", "description": "text"}


class Item(Record):
    """One thing that can be recommended."""

    id: str
    title: str = ""
    """What a person calls it; the id where nothing better is known."""
    attributes: Mapping[str, AttributeValue] = {}
    """Values by attribute name; an attribute that is not known is left out."""
    description: str = ""

    @model_validator(mode="before")
    @classmethod
    def _titled(cls, fields: object) -> object:
        if isinstance(fields, dict) and not str(fields.get("title") or "").strip():
            return {**fields, "title": fields.get("id")}
        return fields


_Items = TypeAdapter(tuple[Item, ...])


class Catalogue:
    """An immutable, ordered set of items.

    Args:
        items: The items; their order breaks ties between equal scores.
        kinds: Kind of an attribute where it shall not be inferred. Inference: numbers are `number`, tuples
            `categories`, texts that repeat `category`, other texts `text`.

    Raises:
        InputError: Two items share an id, or a value does not fit its attribute's kind.
    """

    def __init__(self, items: Iterable[Item], *, kinds: Mapping[str, Kind] | None = None) -> None:
        self._items = tuple(items)
        self._positions = {item.id: position for position, item in enumerate(self._items)}
        if len(self._positions) < len(self._items):
            twice = next(
                item.id for place, item in enumerate(self._items) if self._positions[item.id] != place
            )
            raise InputError(f"The item id {twice!r} occurs twice in the catalogue.")
        self._declared = dict(kinds or {})

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._positions

    def __repr__(self) -> str:
        return f"<Catalogue of {len(self)} items, version {self.version}>"

    def items(self) -> tuple[Item, ...]:
        """Return the items in catalogue order."""
        return self._items

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Item ids in catalogue order."""
        return tuple(self._positions)

    def get(self, item_id: str) -> Item:
        """Return one item.

        Raises:
            NotFound: The catalogue has no such id.
        """
        return self._items[self.position(item_id)]

    def position(self, item_id: str) -> int:
        """Return the place of an item in catalogue order, from 0.

        Raises:
            NotFound: The catalogue has no such id.
        """
        try:
            return self._positions[item_id]
        except KeyError:
            raise NotFound(f"The catalogue has no item {item_id!r}.") from None

    def positions(self, item_ids: Iterable[str]) -> NDArray[np.intp]:
        """Return the places of those ids that the catalogue has, in the order given; others are left out."""
        known = (self._positions.get(item_id) for item_id in item_ids)
        return np.asarray([position for position in known if position is not None], dtype=np.intp)

    @cached_property
    def version(self) -> str:
        """Content hash: equal for equal items in equal order, and for nothing else."""
        digest = hashlib.sha256()
        for item in self._items:
            fields = item.model_dump(mode="json")
            digest.update(
                json.dumps(fields, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
            )
            digest.update(b"\n")
        return digest.hexdigest()[:16]

    # Attributes and filters

    @cached_property
    def _columns(self) -> dict[str, Column]:
        names = dict.fromkeys(name for item in self._items for name in item.attributes)
        columns = {
            name: column(name, [item.attributes.get(name) for item in self._items], self._kind(name))
            for name in names
        }
        for name in _BUILT_IN:
            values = [getattr(item, name) or None for item in self._items]
            if name not in columns and any(values):
                columns[name] = column(name, values, "text")
        return columns

    def _kind(self, name: str) -> Kind:
        if name in self._declared:
            return self._declared[name]
        return infer_kind([item.attributes[name] for item in self._items if name in item.attributes])

    @cached_property
    def _kinds(self) -> dict[str, Kind]:
        # A change must not turn a number into a text, and every condition on it into an error.
        names = dict.fromkeys(name for item in self._items for name in item.attributes)
        return self._declared | {name: self._kind(name) for name in names}

    def schema(self) -> dict[str, Attribute]:
        """Return every attribute that a filter may name, `title` and `description` included."""
        return {name: found.attribute for name, found in self._columns.items()}

    def attributes(self) -> tuple[Attribute, ...]:
        """Return the attributes of `schema()` in order."""
        return tuple(self.schema().values())

    def validated(self, where: Filter) -> Filter:
        """Return the filter with attributes and values spelt as the catalogue spells them.

        Raises:
            InvalidFilter: An attribute or a value does not exist, or an operator does not fit; the message
                and `nearest` offer what comes closest.
        """
        return validated(where, self.schema())

    def mask(self, where: Filter | str | None) -> NDArray[np.bool_]:
        """Return which items satisfy the filter, as an array of shape `(len(self),)`.

        Raises:
            InvalidFilter: See `validated`.
        """
        holds = np.ones(len(self), dtype=np.bool_)
        if where is None:
            return holds
        for condition in self.validated(Filter.parse(where) if isinstance(where, str) else where).conditions:
            holds &= self._columns[condition.attribute].holds(condition)
        return holds

    def select(self, where: Filter | str | None) -> list[str]:
        """Return the ids of the items that satisfy the filter, in catalogue order.

        Raises:
            InvalidFilter: See `validated`.
        """
        return [self.ids[position] for position in np.flatnonzero(self.mask(where))]

    # Names

    @cached_property
    def _by_title(self) -> dict[str, list[int]]:
        titles: dict[str, list[int]] = {}
        for position, item in enumerate(self._items):
            titles.setdefault(item.title, []).append(position)
        return titles

    def find(self, title: str, n: int = 5) -> list[Item]:
        """Return the items whose title is the one given; where none is, those that come closest, best first.

        Case, accents and punctuation never matter, and a year in parentheses or a leading article may be left out.
        """
        names = same(title, self._by_title) or nearest(title, self._by_title, n)
        return [self._items[position] for name in names for position in self._by_title[name]][:n]

    def twins(self, item_id: str) -> list[str]:
        """Return the ids of the other items with the same title, but for a year that one of them lacks: one thing listed twice."""
        title = self.get(item_id).title
        bare = _YEAR.sub("", title)
        titles = {title, bare} if bare != title else {title, *self._with_year.get(title, ())}
        positions = sorted(position for one in titles for position in self._by_title.get(one, ()))
        return [self.ids[position] for position in positions if self.ids[position] != item_id]

    @cached_property
    def _with_year(self) -> dict[str, list[str]]:
        """Titles with a year, by what they are without it."""
        found: dict[str, list[str]] = {}
        for title in self._by_title:
            bare = _YEAR.sub("", title)
            if bare != title:
                found.setdefault(bare, []).append(title)
        return found

    # Changes

    def with_items(self, items: Iterable[Item]) -> "Catalogue":
        """Return a catalogue with these added, or put in place of those of the same id; attributes keep their kinds."""
        merged = {item.id: item for item in self._items} | {item.id: item for item in items}
        return Catalogue(merged.values(), kinds=self._kinds)

    def without(self, item_ids: Iterable[str]) -> "Catalogue":
        """Return a catalogue without these items; ids it does not have are ignored, and attributes keep their kinds."""
        gone = set(item_ids)
        return Catalogue((item for item in self._items if item.id not in gone), kinds=self._kinds)

    # Storage

    def save(self, path: Path) -> None:
        """Write the catalogue as JSON."""
        fields = {"kinds": self._declared, "items": _Items.dump_python(self._items, mode="json")}
        path.write_text(json.dumps(fields, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Catalogue":
        """Read a catalogue that `save` wrote.

        Raises:
            InputError: The file is missing or not a catalogue.
        """
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            return cls(_Items.validate_python(fields["items"]), kinds=fields["kinds"])
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path} is not a catalogue: {error}.") from error

    @classmethod
    def from_records(
        cls, records: Sequence[Mapping[str, object]], *, kinds: Mapping[str, Kind] | None = None
    ) -> "Catalogue":
        """Build a catalogue from plain mappings with the fields of `Item`.

        Raises:
            InputError: A record does not fit; the message gives its number, from 1.
        """
        items = []
        for number, record in enumerate(records, start=1):
            try:
                items.append(Item.model_validate(record))
            except ValidationError as error:
                raise InputError(f"Item {number}: {error.errors()[0]['msg']}.") from error
        return cls(items, kinds=kinds)
