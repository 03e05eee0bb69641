"""Logs under the data folder: evaluation logs, caches of responses and the like, in which erased words may stand.

A log that holds a trace, or cannot be looked into, is removed whole. What is no log of limner's, such as a backup, is
left and named.
"""

import bz2
import gzip
import lzma
import os
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import IO
from urllib.request import pathname2url

from limner.memory.traces import Traces

__all__ = ("Cleared", "clear_logs", "has_logs")

_OWN = frozenset({"limner.db", "limner.db-wal", "limner.db-shm", "limner.db-journal"})
_LOGS = frozenset({".eval", ".json", ".jsonl", ".log", ".txt", ".html", ".csv", ".tsv", ".md", ".part"})
_NEVER_TEXT = frozenset({".gguf", ".safetensors", ".onnx", ".parquet", ".pt", ".npy", ".npz"})
"""Files of models and data sets, which hold nothing of a user and are large."""
_BESIDE_SQLITE = ("-wal", "-shm", "-journal")
_SQLITE = b"SQLite format 3\0"
_UNPACKED: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\0": lzma.decompress,
}
_CHUNK = 8 << 20
_OVERLAP = 64 << 10
_DEEPEST = 3
"""Archives within archives that are looked into."""


class _Sealed(Exception):
    """An archive that cannot be looked into."""


@dataclass(frozen=True)
class Cleared:
    """What came of a search through the logs."""

    removed: int
    left: tuple[str, ...]
    """Paths, below the data folder, of files that hold a trace and were not removed."""


def has_logs(home: Path, index: Path) -> bool:
    """Return whether there is any file under the data folder that `clear_logs` would look into."""
    return next(_candidates(home, index), None) is not None


def clear_logs(home: Path, traces: Traces, index: Path, *, since: float = 0.0) -> Cleared:
    """Remove every log under the data folder that holds a trace.

    Args:
        home: The data folder.
        traces: What gives the erased away.
        index: The folder of the vector index, which is seen to elsewhere.
        since: Files last written before this moment, in seconds since the epoch, are passed over.
    """
    removed = 0
    left: list[str] = []
    for path in sorted(_candidates(home, index)) if traces else ():
        if not _written_since(path, since) or not _holds(path, traces):
            continue
        if _is_log(path) and _removed(path):
            removed += 1
        else:
            left.append(str(path.relative_to(home)))
    return Cleared(removed, tuple(left))


def _candidates(home: Path, index: Path) -> Iterator[Path]:
    own = {home / name for name in _OWN}
    for folder, below, names in os.walk(home):
        if Path(folder) == index:
            below.clear()
            continue
        for path in (Path(folder, name) for name in names):
            if (
                path not in own
                and path.suffix not in _NEVER_TEXT
                and path.is_file()
                and not path.is_symlink()
            ):
                yield path


def _written_since(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime >= moment
    except OSError:
        return False  # gone meanwhile


def _is_log(path: Path) -> bool:
    if _begins(path, _SQLITE):
        return not _is_store(path)
    if path.name.endswith(_BESIDE_SQLITE):
        return False  # goes with its database
    return not _LOGS.isdisjoint(path.suffixes)  # also of `limner.log.1` and `run.json.gz`


def _removed(path: Path) -> bool:
    try:
        path.unlink()
        for suffix in _BESIDE_SQLITE:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _holds(path: Path, traces: Traces) -> bool:
    if traces.found_in_text(path.name):
        return True
    try:
        with path.open("rb") as file:
            if _stream_holds(file, traces, _DEEPEST):
                return True
        return _begins(path, _SQLITE) and any(traces.found_in(cell) for cell in _cells(path))
    except _Sealed:
        return True  # nobody knows
    except OSError:
        return False  # gone meanwhile, or not ours to read


def _stream_holds(file: IO[bytes], traces: Traces, depth: int) -> bool:
    head = file.read(16)
    if depth and head.startswith(b"PK") and zipfile.is_zipfile(file):
        return any(_stream_holds(member, traces, depth - 1) for member in _members(file))
    unpack = next((one for magic, one in _UNPACKED.items() if head.startswith(magic)), None)
    file.seek(0)
    if depth and unpack is not None:
        try:
            return _stream_holds(BytesIO(unpack(file.read())), traces, depth - 1)
        except (OSError, EOFError, lzma.LZMAError):
            pass  # begins like an archive and is none
    file.seek(0)
    tail = b""
    while chunk := file.read(_CHUNK):
        if traces.found_in(tail + chunk):
            return True
        tail = chunk[-_OVERLAP:]
    return False


def _members(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield the names and the contents of an archive.

    Raises:
        _Sealed: Something in it cannot be unpacked.
    """
    if find_spec("zipfile_zstd") is not None:
        import_module("zipfile_zstd")  # inspect_ai, which brings it, may compress its logs so
    try:
        with zipfile.ZipFile(file) as archive:
            yield BytesIO("\n".join(archive.namelist()).encode("utf-8", "replace"))
            for info in archive.infolist():
                yield BytesIO(archive.read(info))
    except (NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise _Sealed from error


def _cells(path: Path) -> Iterator[bytes]:
    """Yield what the rows of a SQLite file hold, its log included; nothing of one that cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{pathname2url(str(path))}?mode=ro", uri=True)) as connection:
            connection.text_factory = bytes
            names = [
                row[0].decode()
                for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            for name in names:
                quoted = name.replace('"', '""')
                for row in connection.execute(f'SELECT * FROM "{quoted}"'):
                    yield b"\n".join(cell for cell in row if isinstance(cell, bytes))
    except sqlite3.Error:
        return


def _is_store(path: Path) -> bool:
    """Whether a SQLite file is a store of limner's own, such as that of the demo, or cannot be looked into."""
    try:
        with closing(sqlite3.connect(f"file:{pathname2url(str(path))}?mode=ro", uri=True)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error:
        return True
    return {"alembic_version", "observations"} <= tables


def _begins(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic
