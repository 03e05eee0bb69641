"""Records of a run kept one in a line, each as soon as it is there: a run that is killed loses the line that it was writing and no more."""

import os
from pathlib import Path
from typing import Generic, TypeVar

from limner.errors import InputError
from limner.memory.records import Record

__all__ = ["KeptLines"]

R = TypeVar("R", bound=Record)


class KeptLines(Generic[R]):
    """A file of JSON Lines that grows.

    Args:
        path: The file, which need not be there; its folder is made.
        kind: What each line holds.

    Raises:
        InputError: The folder cannot be written to, or the file holds something else.
    """

    def __init__(self, path: Path, kind: type[R]) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.found = _read(path, kind)
        except OSError as error:
            raise InputError(f"{path.parent} cannot be used: {error.strerror or error}.") from error

    def append(self, one: R) -> None:
        """Write one behind the others."""
        with self._path.open("ab") as file:
            file.write(one.model_dump_json().encode() + b"\n")


def _read(path: Path, kind: type[R]) -> list[R]:
    """Return what is kept; a line that a kill cut off is dropped."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    try:
        return [kind.model_validate_json(line) for line in whole.splitlines()]
    except ValueError as error:
        raise InputError(
            f"{path} holds a line that is no {kind.__name__.lower()} of this run: {error}"
        ) from error
