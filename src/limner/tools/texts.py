"""Items as texts for an encoder, and the vectors of those texts; each text is encoded once and its vector kept on disk."""

import hashlib
import re
import sqlite3
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from limner.errors import LimnerWarning
from limner.inference.encoder import Encoder
from limner.inference.encoder import encoder as encoder_of
from limner.settings import Settings
from limner.sqlite import use_write_ahead_log
from limner.tools.catalogue import Item
from limner.tools.filters import plain

__all__ = ["ItemEncoder", "Wording", "item_text", "whitened"]

Vectors = NDArray[np.float32]
Wording = Literal["everything", "title"]
"""What of an item is put into words: all that is known of it, or its title alone."""

_AT_ONCE = 256
"""Texts between two writes: what an interrupted run loses."""
_WAIT_S = 60.0
_LOOKED_UP = 500
"""Keys in one query, below SQLite's limit of variables."""


def item_text(item: Item, wording: Wording = "everything") -> str:
    """Return an item in words: its title, its values without their attributes' names, its description.

    A title that is only the id says nothing and is left out. Numbers are given, by name, where there is nothing else: beside
    words they only draw items of near numbers together. Empty where nothing is known.
    """
    title = "" if item.title == item.id else item.title.strip()
    if wording == "title":
        return title
    words = [title] if title else []
    for value in item.attributes.values():
        words += value if isinstance(value, tuple) else [value] if isinstance(value, str) else []
    text = ". ".join(part for part in (", ".join(words), item.description.strip()) if part)
    numbers = (
        f"{name} {plain(value)}" for name, value in item.attributes.items() if isinstance(value, float)
    )
    return text or ", ".join(numbers)


class ItemEncoder:
    """Gives items their vectors; what was encoded before, by whichever model or process, is read from the cache.

    The cache is one SQLite file for each encoder, by its name and version, in `vectors/` under the settings' cache. It holds
    hashes of texts and their vectors, and may be deleted. Every 256 texts are written in one transaction, so that an
    interrupted run goes on where it was. A cache that cannot be used is a warning: the texts are encoded all the same.

    Args:
        encoder: An encoder, or the name of one as in `Settings.encoder`; an empty name is that of the settings.
        settings: Where the cache is; none reads environment and `limner.toml` when it is needed.
    """

    def __init__(self, encoder: Encoder | str = "", settings: Settings | None = None) -> None:
        self._given = None if isinstance(encoder, str) else encoder
        self._settings = settings
        self.name = encoder if isinstance(encoder, str) else encoder.name
        """Name of the encoder; empty for that of the settings."""

    @classmethod
    def of(cls, encoder: "Encoder | str | ItemEncoder") -> "ItemEncoder":
        """Return what reads items with an encoder; one that does already is returned as it is."""
        return encoder if isinstance(encoder, ItemEncoder) else cls(encoder)

    @cached_property
    def _of(self) -> Settings:
        return self._settings or Settings()

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder; nothing is loaded before a text is encoded."""
        if self._given is not None:
            return self._given
        return encoder_of(self._of.model_copy(update={"encoder": self.name}) if self.name else self._of)

    def vectors(self, items: Iterable[Item], wording: Wording = "everything") -> Vectors:
        """Return the vectors of items, shape `(items, dimension)`: rows of unit length, zeros where an item has no text.

        Raises:
            DownloadError: The encoder cannot be fetched.
        """
        texts = [item_text(item, wording) for item in items]
        distinct = [text for text in dict.fromkeys(texts) if text]
        known = self._encoded(distinct)
        dimension = len(known[distinct[0]]) if distinct else self.encoder.dimension
        nothing = np.zeros(dimension, dtype=np.float32)
        return np.array([known[text] if text else nothing for text in texts], dtype=np.float32).reshape(
            len(texts), dimension
        )

    def _encoded(self, texts: Sequence[str]) -> dict[str, Vectors]:
        identity = f"{self.encoder.name}\n{self.encoder.version}"
        # A name may be a path; the hash keeps apart what the readable part does not.
        readable = re.sub(r"[^\w.-]+", "_", Path(self.encoder.name).name)[:60]
        file = f"{readable}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.db"
        with _VectorFile(self._of.cache / "vectors" / file) as kept:
            found = kept.get(texts)
            missing = [text for text in texts if text not in found]
            for start in range(0, len(missing), _AT_ONCE):
                batch = missing[start : start + _AT_ONCE]
                new = dict(zip(batch, self.encoder.encode_documents(batch), strict=True))
                found |= new
                kept.put(new)
        return found


class _VectorFile:
    """Vectors by the hash of their text, in SQLite; empty, with a warning, where the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        with self._failures():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
            use_write_ahead_log(self._connection, patience_s=_WAIT_S)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
            )

    def get(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors of those texts that are here."""
        keys = {_key(text): text for text in texts}
        found: dict[str, Vectors] = {}
        with self._failures():
            for start in range(0, len(keys) if self._connection else 0, _LOOKED_UP):
                asked = list(keys)[start : start + _LOOKED_UP]
                assert self._connection is not None
                rows = self._connection.execute(
                    f"SELECT text, vector FROM vectors WHERE text IN ({', '.join('?' * len(asked))})", asked
                )
                found |= {keys[key]: np.frombuffer(vector, dtype="<f4") for key, vector in rows}
        return found

    def put(self, vectors: dict[str, Vectors]) -> None:
        """Keep vectors, all of them or none."""
        rows = [(_key(text), np.asarray(vector, dtype="<f4").tobytes()) for text, vector in vectors.items()]
        with self._failures():
            if self._connection is not None:
                self._connection.execute("BEGIN IMMEDIATE")
                with self._connection:
                    self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            self.__exit__()
            said = f"The vectors of items cannot be kept in {self._path}: {error}. Going on without."
            warnings.warn(said, LimnerWarning, stacklevel=2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def whitened(vectors: Vectors, ridge: float = 1.0) -> Vectors:
    """Return vectors centred, with the directions in which all of them vary much made less of, at unit length.

    Sentence vectors share a few strong directions that say what kind of text it is, and little of which item (Su et al. 2021,
    arXiv 2103.15316, §3.2, who whiten wholly; here each direction is divided by the root of its variance plus `ridge` times
    the mean variance). Zero rows stay zero and do not count.

    Args:
        vectors: Shape `(items, dimension)`.
        ridge: 0 whitens wholly; a large one only centres.
    """
    there = np.flatnonzero(np.any(vectors != 0, axis=1))
    result = np.zeros_like(vectors, dtype=np.float32)
    if there.size < 2:
        result[there] = vectors[there]
        return result
    centred = vectors[there].astype(np.float64)
    centred -= centred.mean(axis=0)
    _, sizes, transposed = np.linalg.svd(_narrow(centred), full_matrices=False)
    variances, directions = sizes**2 / len(there), transposed.T
    # Fewer items than dimensions leave directions without any variance, which say nothing of the mean.
    mean = variances.sum() / min(len(there) - 1, vectors.shape[1])
    scale = np.sqrt(variances + max(ridge * mean, 1e-12))
    made = centred @ (directions / scale) @ directions.T
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    result[there] = np.divide(made, lengths, out=np.zeros_like(made), where=lengths > 1e-9)
    return result


def _narrow(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a matrix with the same singular values and right vectors, and no more rows than columns."""
    if centred.shape[0] <= centred.shape[1]:
        return centred
    return np.asarray(np.linalg.qr(centred, mode="r"), dtype=np.float64)
