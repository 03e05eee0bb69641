"""Data sets by name or from a folder: a catalogue and interactions with it."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import InputError, NotFound
from limner.memory.records import AttributeValue
from limner.tools.attributes import Kind
from limner.tools.catalogue import Catalogue, Item
from limner.tools.interactions import Interactions
from limner.tools.names import nearest
from limner.tools.tables import BrokenRow, Table, read_recbole

if TYPE_CHECKING:
    from limner.settings import Settings

__all__ = ["Dataset", "ItemColumns", "load_dataset", "read_items"]


@dataclass(frozen=True)
class Dataset:
    """What a recommender is trained on."""

    name: str
    catalogue: Catalogue
    interactions: Interactions
    broken_items: tuple[BrokenRow, ...] = ()
    """Rows of the item file that were left out."""
    item_type: str = "item"
    """What a person calls one of the items: `film`, `book`, `restaurant`."""


@dataclass(frozen=True)
class ItemColumns:
    """How the columns of a RecBole item file become a catalogue.

    A column that is not mentioned keeps its name; its kind follows from the type in the header: `token` one
    category or a text, `token_seq` several categories, `float` a number. `float_seq` columns are vectors and are left out.
    """

    id: str = "item_id"
    title: str | None = None
    """Column of the title; none tries `title`, `name`, `movie_title`, then falls back on the id."""
    description: str | None = "description"
    """Column of a description, where the file has it."""
    rename: Mapping[str, str] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    """Columns that hold numbers though their type is `token`; what is no number counts as missing."""
    missing: frozenset[str] = frozenset()
    """Values that mean that nothing is known."""
    refined: Callable[[Item], Item] = field(default=lambda item: item)
    """Last touch on an item as read, such as the form of its title."""


def load_dataset(name_or_path: str | Path, settings: "Settings | None" = None) -> Dataset:
    """Load a data set by name (`ml-100k`), or from a folder of RecBole atomic files (`x/x.inter`, `x/x.item`).

    A named one is downloaded into `settings.cache` once, and its files are compared with pinned hashes every time they are read.

    Raises:
        NotFound: There is neither a data set nor a folder of this name.
        InputError: A file cannot be read or lacks a column.
        DownloadError: It could not be downloaded whole.
    """
    if name_or_path == "ml-100k":
        from limner.tools.movielens import load_ml_100k

        return load_ml_100k(settings)
    folder = Path(name_or_path).expanduser()
    if not folder.is_dir():
        close = nearest(str(name_or_path), ("ml-100k",), cutoff=0.3)
        raise NotFound(
            f"{name_or_path} is neither a known data set nor a folder; "
            + (f"did you mean {close[0]}?" if close else "known: ml-100k.")
        )
    return read_recbole_folder(folder, ItemColumns())


def read_recbole_folder(folder: Path, columns: ItemColumns, name: str | None = None) -> Dataset:
    """Read `*.inter` and `*.item` of a folder.

    Raises:
        InputError: A file is missing, cannot be read or lacks a column.
    """
    found = {}
    for suffix in ("inter", "item"):
        files = sorted(folder.glob(f"*.{suffix}"))
        if len(files) != 1:
            raise InputError(f"{folder} has {len(files)} files that end in .{suffix}; one is needed.")
        found[suffix] = files[0]
    catalogue, broken = read_items(found["item"], columns)
    return Dataset(name or folder.name, catalogue, Interactions.from_recbole(found["inter"]), broken)


def read_items(path: Path, columns: ItemColumns = ItemColumns()) -> tuple[Catalogue, tuple[BrokenRow, ...]]:
    """Read a RecBole item file, and report the rows that were left out.

    Raises:
        InputError: The file cannot be read or lacks a column.
    """
    table = read_recbole(path)
    ids = table.column(columns.id)
    title = columns.title or next(
        (name for name in ("title", "name", "movie_title") if name in table.columns), None
    )
    titles = table.column(title) if title else ids
    described = table.columns.get(columns.description or "", [""] * len(ids))
    kinds = _kinds(table, columns, skip={columns.id, title, columns.description})
    items: dict[str, Item] = {}
    broken = list(table.broken)
    for place, item_id in enumerate(ids):
        if not item_id or item_id in items:
            reason = f"the id {item_id!r} occurs before" if item_id else "the id is empty"
            broken.append(BrokenRow(row=table.rows[place], reason=reason))
            continue
        attributes = _attributes(table, place, kinds, columns)
        items[item_id] = columns.refined(
            Item(id=item_id, title=titles[place], attributes=attributes, description=described[place])
        )
    declared = {columns.rename.get(name, name): kind for name, kind in kinds.items() if kind is not None}
    return Catalogue(items.values(), kinds=declared), tuple(broken)


def _kinds(table: Table, columns: ItemColumns, skip: set[str | None]) -> dict[str, Kind | None]:
    by_type: Mapping[str, Kind | None] = {"token": None, "token_seq": "categories", "float": "number"}
    kinds: dict[str, Kind | None] = {}
    for name, kind in table.types.items():
        if name in columns.numbers:
            kinds[name] = "number"
        elif name not in skip and kind in by_type:
            kinds[name] = by_type[kind]
    return kinds


def _attributes(
    table: Table, place: int, kinds: Mapping[str, Kind | None], columns: ItemColumns
) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {}
    for name, kind in kinds.items():
        value = _value(table.columns[name][place], kind, columns.missing)
        if value is not None:
            attributes[columns.rename.get(name, name)] = value
    return attributes


def _value(text: str, kind: Kind | None, missing: frozenset[str]) -> AttributeValue | None:
    text = text.strip()
    if not text or text in missing:
        return None
    if kind == "categories":
        return tuple(word for word in text.split() if word not in missing) or None
    if kind != "number":
        return text
    number = float(text) if re.fullmatch(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", text) else math.inf
    return number if math.isfinite(number) else None
