"""Files that keep what was measured, so that a long search or table goes on where it was stopped."""

import contextlib
import hashlib
import inspect
import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from limner.errors import InputError
from limner.tools.datasets import Dataset

__all__ = ["Record", "code_version", "data_version", "provenance"]


class Record:
    """Entries in a JSON file, one a line; each that is added is on the disk at once, whole or not at all.

    Args:
        path: The file; it need not be there yet. What another process adds meanwhile is kept too, unless both write at the same moment.
        about: What all entries have in common, such as the data set's name; a file that is about something else is refused.

    Raises:
        InputError: The file cannot be read, is no record, or is about something else.
    """

    def __init__(self, path: Path, about: Mapping[str, object]) -> None:
        self.path = Path(path).expanduser()
        self.about = dict(about)
        self.entries: list[dict[str, Any]] = []
        if self.path.exists():
            self._read()

    def _read(self) -> None:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            about, self.entries = content["about"], [dict(entry) for entry in content["entries"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self.path} is no record of trials ({error}): remove it, or name another file."
            ) from error
        if about != self.about:
            raise InputError(f"{self.path} is a record of something else, {about}: name another file.")

    def find(self, wanted: Mapping[str, object]) -> dict[str, Any] | None:
        """Return the latest entry that has all of these values."""
        plain = json.loads(json.dumps(wanted))
        same = (
            one for one in reversed(self.entries) if all(one.get(n) == value for n, value in plain.items())
        )
        return next(same, None)

    def add(self, entry: Mapping[str, object]) -> None:
        """Add an entry.

        Raises:
            InputError: The file cannot be written; it is as it was.
        """
        if self.path.exists():
            self._read()  # another process may have added to it since
        self.entries.append(json.loads(json.dumps(entry, allow_nan=False)))
        lines = ",\n".join(f"  {json.dumps(one, ensure_ascii=False)}" for one in self.entries)
        text = f'{{\n"about": {json.dumps(self.about, ensure_ascii=False)},\n"entries": [\n{lines}\n]\n}}\n'
        beside = self.path.with_name(f".{self.path.name}-{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(text, encoding="utf-8")
            beside.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise InputError(
                f"{self.path} cannot be written: {error.strerror}. Name another file."
            ) from error


def provenance(dataset: Dataset, kind: type, *, k: int) -> dict[str, object]:
    """Return what a figure depends on besides the settings: a figure is used again only where all of it is the same."""
    from limner import __version__

    return {
        "data": data_version(dataset),
        "version": __version__,
        "code": code_version(kind),
        "k": k,
    }


def data_version(dataset: Dataset) -> str:
    """Return a hash of the catalogue and of the interactions, in their order."""
    digest = hashlib.sha256(dataset.catalogue.version.encode("ascii"))
    frame = dataset.interactions.frame.select("user", "item", "value", "time")
    digest.update(frame.write_csv().encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def code_version(kind: Callable[..., object]) -> str:
    """Return a hash of the file that a class or a function stands in; nothing where there is no such file."""
    try:
        source = inspect.getsourcefile(kind)
    except TypeError:
        return ""
    return (
        hashlib.sha256(Path(source).read_bytes()).hexdigest()[:16]
        if source and Path(source).is_file()
        else ""
    )
