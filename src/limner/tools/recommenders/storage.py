"""A recommender in a folder: put there whole or not at all, and read only where everything in it fits together."""

import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812 - zlib calls its class so

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.tools.catalogue import Catalogue

__all__ = [
    "FORMAT",
    "Described",
    "described_in",
    "new_folder",
    "read_arrays",
    "read_catalogue",
    "write_files",
]

FORMAT = 1
_DESCRIPTION, _ARRAYS, _CATALOGUE = "model.json", "arrays.npz", "catalogue.json"
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_AGAIN = "Fit the model again and save it."


@dataclass(frozen=True)
class Described:
    """What `model.json` says."""

    name: str
    settings: Mapping[str, Any]
    catalogue: str
    """Version of the catalogue that the model was fitted on."""
    parts: tuple[str, ...] = ()
    """Folders of the recommenders that this one is made of."""


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `path` at the end; where anything fails, `path` is as it was.

    Files of others that lie in `path` are kept. The last step is a renaming, so the folder above must be writable.

    Raises:
        InputError: It cannot be written there.
    """
    path = Path(path).expanduser().resolve()
    beside = path.parent / f".{path.name}-{secrets.token_hex(4)}"
    try:
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file; a recommender is saved in a folder.")
        beside.mkdir(parents=True)
        yield beside
        _put(beside, path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}. Choose a folder in which you may create files; "
            "what was there before is unchanged."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put(new: Path, path: Path) -> None:
    if not path.exists():
        new.rename(path)
        return
    aside = new.with_name(f"{new.name}-before")
    path.rename(aside)
    try:
        new.rename(path)
    except OSError:
        aside.rename(path)
        raise
    ours = _ours(aside)
    for entry in aside.iterdir():
        if entry.name not in ours and not (path / entry.name).exists():
            entry.rename(path / entry.name)
    shutil.rmtree(aside, ignore_errors=True)


def _ours(folder: Path) -> set[str]:
    """Return the names that a recommender has in the folder where it was saved."""
    try:
        parts = described_in(folder).parts
    except InputError:
        parts = ()
    return {_DESCRIPTION, _ARRAYS, _CATALOGUE, *parts}


def write_files(
    folder: Path, described: Described, arrays: Mapping[str, NDArray[Any]], catalogue: Catalogue
) -> None:
    """Write everything but the parts.

    Raises:
        InputError: A setting is not what JSON can hold, or a part has a name that no folder should have.
    """
    for part in described.parts:
        _checked_part(folder, part)
    fields = {
        "format": FORMAT,
        "name": described.name,
        "settings": dict(described.settings),
        "catalogue": described.catalogue,
        "parts": list(described.parts),
    }
    try:
        text = json.dumps(fields, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"The settings of {described.name} cannot be written as JSON: {error}.") from error
    np.savez(folder / _ARRAYS, allow_pickle=False, **arrays)
    catalogue.save(folder / _CATALOGUE)
    (folder / _DESCRIPTION).write_text(text, encoding="utf-8")


def described_in(folder: Path) -> Described:
    """Read what the model in a folder is.

    Raises:
        InputError: There is none, or it is of another format.
    """
    try:
        fields = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        kind, name = fields["format"], fields["name"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{folder} holds no recommender: {_words(error)}. Give the folder that `save` wrote."
        ) from error
    if kind != FORMAT:
        raise InputError(f"{folder} holds {name!r} in format {kind}; this is format {FORMAT}. {_AGAIN}")
    settings, catalogue, parts = fields.get("settings"), fields.get("catalogue"), fields.get("parts", [])
    if not (
        isinstance(name, str)
        and isinstance(settings, dict)
        and isinstance(catalogue, str)
        and isinstance(parts, list)
    ):
        raise InputError(f"{folder / _DESCRIPTION} was changed: it is not what `save` wrote. {_AGAIN}")
    return Described(name, settings, catalogue, tuple(_checked_part(folder, part) for part in parts))


def read_arrays(folder: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays; nothing in the file is run.

    Raises:
        InputError: The file is missing or damaged.
    """
    try:
        with np.load(folder / _ARRAYS, allow_pickle=False) as file:
            return dict(file)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        NotImplementedError,
        MemoryError,
        BadZipFile,
        ZlibError,
    ) as error:
        raise InputError(f"{folder / _ARRAYS} is missing or damaged: {_words(error)}. {_AGAIN}") from error


def read_catalogue(folder: Path, version: str) -> Catalogue:
    """Read the catalogue that a model was fitted on.

    Raises:
        InputError: It is missing, damaged, or another one.
    """
    catalogue = Catalogue.load(folder / _CATALOGUE)
    if catalogue.version != version:
        raise InputError(f"{folder / _CATALOGUE} is not the catalogue that the model was fitted on. {_AGAIN}")
    return catalogue


def _checked_part(folder: Path, part: object) -> str:
    # A name from a file must not lead out of the folder.
    if not isinstance(part, str) or not _PART.fullmatch(part) or part in {_DESCRIPTION, _ARRAYS, _CATALOGUE}:
        raise InputError(f"{folder}: {part!r} is no name for a part of a model.")
    return part


def _words(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__
