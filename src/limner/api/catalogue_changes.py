"""What has been added to a data set's items and removed from them, kept in a file of the data folder."""

import json
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import TypeAdapter, ValidationError

from limner.errors import StoreError
from limner.tools import Catalogue, Item

__all__ = ["CatalogueChanges", "Changes"]

_Items = TypeAdapter(tuple[Item, ...])
_WAIT_S = 30.0


@dataclass(frozen=True)
class Changes:
    """How a catalogue differs from the one that its data set was loaded with."""

    added: tuple[Item, ...] = ()
    """Items that are new, or described anew."""
    removed: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)

    def and_then(self, add: Sequence[Item], remove: Collection[str]) -> "Changes":
        """Return these changes with more of them on top."""
        added = {item.id: item for item in (*self.added, *add)}
        removed = (self.removed - {item.id for item in add}) | set(remove)
        return Changes(tuple(item for item in added.values() if item.id not in removed), removed)

    def applied(self, catalogue: Catalogue) -> Catalogue:
        """Return the catalogue as it is with them."""
        return catalogue.with_items(self.added).without(self.removed) if self else catalogue


class CatalogueChanges:
    """The changes to each data set, in one JSON file; none as long as nothing was changed.

    Args:
        path: The file; none keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def of(self, dataset: str) -> Changes:
        """Return the changes to a data set.

        Raises:
            StoreError: The file cannot be read, or was changed by somebody else.
        """
        fields = self._read().get(dataset)
        if fields is None:
            return Changes()
        try:
            return Changes(_Items.validate_python(fields["added"]), frozenset(map(str, fields["removed"])))
        except (KeyError, TypeError, ValidationError) as error:
            raise self._damaged(error) from error

    def add(self, dataset: str, add: Sequence[Item], remove: Collection[str]) -> None:
        """Keep more changes to a data set, after those that other processes have made.

        Raises:
            StoreError: The file cannot be read or written; it is as it was.
        """
        if self._path is None:
            return
        with self._alone(self._path):
            changes = self.of(dataset).and_then(add, remove)
            fields = {
                "added": _Items.dump_python(changes.added, mode="json"),
                "removed": sorted(changes.removed),
            }
            text = json.dumps({**self._read(), dataset: fields}, ensure_ascii=False, indent=1)
            beside = self._path.with_name(f".{self._path.name}-{secrets.token_hex(4)}")
            try:
                beside.write_text(text, encoding="utf-8")
                beside.replace(self._path)
            finally:
                beside.unlink(missing_ok=True)

    def _read(self) -> Mapping[str, Any]:
        if self._path is None or not self._path.exists():
            return {}
        try:
            fields = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged(error) from error
        if not isinstance(fields, dict):
            raise self._damaged("it holds no object")
        return fields

    def _damaged(self, why: object) -> StoreError:
        return StoreError(
            f"The changes to the catalogue in {self._path} cannot be read: {why}. Mend the file, or delete it to have the data "
            "set's own items again."
        )

    @contextmanager
    def _alone(self, path: Path) -> Iterator[None]:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_name(f".{path.name}.lock"), timeout=_WAIT_S):
                yield
        except OSError as error:  # filelock's own Timeout is one too
            raise StoreError(f"The changes to the catalogue cannot be kept in {path}: {error}.") from error
