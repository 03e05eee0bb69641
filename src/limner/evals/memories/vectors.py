"""Vectors that were worked out once: an encoder in front of a file.

Runs on one data set encode the same texts again and again, with the same result. The file is SQLite because two
processes may read and write it at once, and because a run that is cut off keeps what it had.
"""

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from limner.errors import StoreError
from limner.inference.encoder import Encoder

__all__ = ["CachedEncoder"]

Kind = Literal["query", "document"]

_TABLE = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
_WAIT_S = 60.0
_KEYS = 500
"""Keys in one statement; SQLite takes 999 at least."""
_BATCH = 512
"""Texts that are encoded before their vectors are written."""


class CachedEncoder:
    """An encoder that remembers on disk; itself an `Encoder`. Thread-safe if the encoder is.

    There is one file for each encoder, named for its name and version, and in it one vector of 32-bit floats for each
    text, under the SHA-256 of the text. The files may be deleted at any time at which no run uses them.

    Args:
        encoder: What encodes.
        folder: Where the files are; made when the first vector is written.
    """

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self._encoder = encoder
        self._folder = folder

    @property
    def name(self) -> str:
        """The encoder's name."""
        return self._encoder.name

    @property
    def version(self) -> str:
        """The encoder's version."""
        return self._encoder.version

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._encoder.dimension

    @property
    def path(self) -> Path:
        """The file of this encoder."""
        identity = hashlib.sha256(f"{self.name}\0{self.version}".encode()).hexdigest()[:12]
        readable = re.sub(r"[^A-Za-z0-9.-]+", "-", Path(self.name).name).strip(".-")[:60] or "encoder"
        return self._folder / f"{readable}-{identity}.sqlite"

    def encode_query(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode what is searched for: shape `(len(texts), dimension)`.

        Raises:
            StoreError: The file cannot be read or written.
        """
        return self._encode(texts, "query")

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode what is searched in: shape `(len(texts), dimension)`.

        Raises:
            StoreError: The file cannot be read or written.
        """
        return self._encode(texts, "document")

    def _encode(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        wanted = {_key(text, kind): text for text in texts}
        with self._open() as connection:
            known = self._read(connection, list(wanted))
        missing = [key for key in wanted if key not in known]
        for start in range(0, len(missing), _BATCH):
            keys = missing[start : start + _BATCH]
            encode = self._encoder.encode_query if kind == "query" else self._encoder.encode_documents
            fresh = dict(zip(keys, encode([wanted[key] for key in keys]), strict=True))
            known |= fresh
            # Not open while encoding: a second process would have to wait.
            with self._open() as connection:
                connection.executemany(
                    "INSERT OR IGNORE INTO vectors VALUES (?, ?)",
                    ((key, vector.astype("<f4").tobytes()) for key, vector in fresh.items()),
                )
        return np.stack([known[_key(text, kind)] for text in texts])

    def _read(
        self, connection: sqlite3.Connection, keys: Sequence[bytes]
    ) -> dict[bytes, NDArray[np.float32]]:
        known: dict[bytes, NDArray[np.float32]] = {}
        for start in range(0, len(keys), _KEYS):
            chunk = keys[start : start + _KEYS]
            marks = ",".join("?" * len(chunk))
            rows = connection.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", chunk)
            known |= {key: np.frombuffer(vector, dtype="<f4").astype(np.float32) for key, vector in rows}
        return known

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Give a connection for one transaction; one each time, as threads may not share one."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_WAIT_S)) as connection, connection:
                connection.execute(_TABLE)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"{self.path}: vectors cannot be kept there: {error}. The file is a cache; delete it if it is damaged."
            ) from error


def _key(text: str, kind: Kind) -> bytes:
    # Lone surrogates, which JSON files can hold, are no valid UTF-8.
    return hashlib.sha256(f"{kind}\0{text}".encode("utf-8", "surrogatepass")).digest()
