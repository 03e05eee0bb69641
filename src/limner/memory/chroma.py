"""Where Chroma keeps its collections: in a folder per user, on a server, or in this process's memory.

Chroma never overwrites what it deletes: a removed vector stays in its HNSW file, and in the free pages of its
database. So every user has a folder of their own, and erasing is removing that folder; on a server, where that cannot
be done, what stays means nothing any more (see `rotation`). A folder may have one
writing process, so the first process to need the index locks it for as long as it lives; another process does
without (it compares vectors from SQL).
"""

import hashlib
import shutil
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from limner.errors import ConfigurationError, IndexUnavailable
from limner.memory.allocator import perturb_memory
from limner.memory.elsewhere import Elsewhere
from limner.memory.records import new_id

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.config import Settings as ChromaSettings

__all__ = (
    "ChromaFolders",
    "ChromaServer",
    "Collections",
    "IndexUnavailable",
    "collection_key",
    "open_collections",
    "user_digest",
)

UPSERT = 1000
"""Vectors handed to Chroma at once."""
OPEN_FOLDERS = 16
"""Users' folders that are kept open."""
_FOLDER_DIGITS = 40
_NAME_DIGITS = 24
"""Of the digest of a user id: in the name of a folder, and in that of a collection on a server."""
PATIENCE_S = 60.0
"""How long a server may take to answer before it counts as down."""


class Collections(Protocol):
    """Collections of vectors, by user and key; numbers are document numbers."""

    remnants: str | None
    """What this back end keeps after `erase`, for the operator to know; none when nothing is left."""

    def available(self) -> bool:
        """Return whether this process may use the index now."""

    def count(self, user_id: str, key: str) -> int:
        """Return how many vectors a collection holds; 0 when there is none."""

    def upsert(self, user_id: str, key: str, numbers: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Put vectors (n, dimension) into a collection, which is made when there is none."""

    def query(self, user_id: str, key: str, vector: NDArray[np.float32], n: int) -> list[int]:
        """Return the numbers of the `n` vectors nearest by cosine, nearest first."""

    def drop(self, user_id: str, key: str) -> None:
        """Remove one collection, if it is there."""

    def erase(self, user_id: str) -> bool:
        """Remove every collection of the user; return whether this process could."""

    def erase_digest(self, digest: str) -> bool:
        """Remove every collection of the user whose `user_digest` this is; return whether this process could."""

    def close(self) -> None:
        """Let go of files and connections."""


def user_digest(user_id: str) -> str:
    """Return what a user's collections are named by, instead of by the user's id."""
    return hashlib.sha256(user_id.encode()).hexdigest()


def collection_key(kind: str, encoder: str, version: str) -> str:
    """Return a name for the vectors that one encoder made of one kind of document."""
    return f"{kind}-{_digest(f'{encoder} {version}', 16)}"


def open_collections(chroma_url: str | None, folder: Path, store_id: str) -> Collections:
    """Return the back end that the settings name; Chroma itself is imported when it is first used.

    Args:
        chroma_url: `http://host:port`, `ephemeral`, `elsewhere`, or none for folders below `folder`.
        folder: Where the users' folders are.
        store_id: Tells this store's collections from another's on the same server.

    Raises:
        ConfigurationError: The URL is not one of these.
    """
    if chroma_url is None:
        return ChromaFolders(folder)
    if chroma_url == "elsewhere":
        return Elsewhere()
    if chroma_url == "ephemeral":
        # All in-memory clients of a process share their collections, so each handle has its own names.
        return ChromaServer(None, new_id())
    parts = urlsplit(chroma_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"chroma_url is http://host:port, `ephemeral`, `elsewhere`, or not set; it is {chroma_url!r}."
        )
    return ChromaServer(chroma_url, store_id)


class ChromaFolders:
    """A folder per user; used by one process at a time, and by all its threads.

    Args:
        folder: Where the users' folders are; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.remnants: str | None = None
        self._guard = threading.RLock()
        self._lock: sqlite3.Connection | None = None
        self._clients: OrderedDict[str, Client] = OrderedDict()

    def available(self) -> bool:
        """Return whether this process may use the index now."""
        with self._guard:
            if self._lock is None:
                self._lock = self._try_lock()
            return self._lock is not None

    def count(self, user_id: str, key: str) -> int:
        """Return how many vectors a collection holds."""
        with self._guard, _translated():
            if not self._path(user_id).exists():
                return 0
            return _count(self._client(user_id), key)

    def upsert(self, user_id: str, key: str, numbers: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Put vectors (n, dimension) into a collection."""
        with self._guard, _translated():
            _upsert(self._client(user_id), key, numbers, vectors)

    def query(self, user_id: str, key: str, vector: NDArray[np.float32], n: int) -> list[int]:
        """Return the numbers of the nearest vectors, nearest first."""
        with self._guard, _translated():
            if not self._path(user_id).exists():
                return []
            return _query(self._client(user_id), key, vector, n)

    def drop(self, user_id: str, key: str) -> None:
        """Remove one collection."""
        with self._guard, _translated():
            if self._path(user_id).exists():
                _drop(self._client(user_id), key)

    def erase(self, user_id: str) -> bool:
        """Remove every collection of the user; return whether this process could."""
        return self.erase_digest(user_digest(user_id))

    def erase_digest(self, digest: str) -> bool:
        """Remove every collection of the user whose `user_digest` this is; return whether this process could."""
        path = self._folder / digest[:_FOLDER_DIGITS]
        with self._guard:
            if not path.exists():
                return True
            if not self.available():
                return False
            if client := self._clients.pop(str(path), None):
                client.close()
            try:
                shutil.rmtree(path)
            except OSError as error:
                raise IndexUnavailable(f"The vector index in {path} cannot be removed: {error}.") from error
            return True

    def close(self) -> None:
        """Let go of files and connections."""
        with self._guard:
            while self._clients:
                self._clients.popitem()[1].close()
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def _try_lock(self) -> sqlite3.Connection | None:
        """Return an open lock, or none when another process has it.

        A SQLite transaction is a file lock that works on every system and ends with the process.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(
            self._folder / "owner.lock", timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            lock.close()
            return None
        return lock

    def _path(self, user_id: str) -> Path:
        return self._folder / user_digest(user_id)[:_FOLDER_DIGITS]

    def _client(self, user_id: str) -> "Client":
        if not self.available():
            raise IndexUnavailable(f"Another process uses the vector index in {self._folder}.")
        path = str(self._path(user_id))
        if path not in self._clients:
            while len(self._clients) >= OPEN_FOLDERS:
                self._clients.popitem(last=False)[1].close()
            import chromadb

            if not perturb_memory():
                self.remnants = (
                    "Chroma's files may hold scraps of what this process had in memory; on a system with the GNU C "
                    "library they do not."
                )
            client = chromadb.PersistentClient(path=path, settings=_quiet())
            self._clients[path] = cast("Client", client)
        self._clients.move_to_end(path)
        return self._clients[path]


class ChromaServer:
    """Collections on a Chroma server, or in this process's memory.

    Args:
        url: `http://host:port`; none keeps them in memory, until `close`.
        store_id: Part of every collection's name.
    """

    def __init__(self, url: str | None, store_id: str) -> None:
        self._url = url
        self._prefix = f"limner-{_digest(store_id, 12)}"
        self._guard = threading.RLock()
        self._opened: Client | None = None
        self.remnants: str | None = None
        if url is not None:
            self.remnants = (
                f"The Chroma server at {url} keeps the vectors of deleted collections in its files until its "
                f"operator removes them; they are turned by a rotation that is forgotten now."
            )

    def available(self) -> bool:
        """Return whether this process may use the index now."""
        return True

    def count(self, user_id: str, key: str) -> int:
        """Return how many vectors a collection holds."""
        with _translated():
            return _count(self._client(), self._name(user_id, key))

    def upsert(self, user_id: str, key: str, numbers: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Put vectors (n, dimension) into a collection."""
        with _translated():
            _upsert(self._client(), self._name(user_id, key), numbers, vectors)

    def query(self, user_id: str, key: str, vector: NDArray[np.float32], n: int) -> list[int]:
        """Return the numbers of the nearest vectors, nearest first."""
        with _translated():
            return _query(self._client(), self._name(user_id, key), vector, n)

    def drop(self, user_id: str, key: str) -> None:
        """Remove one collection."""
        with _translated():
            _drop(self._client(), self._name(user_id, key))

    def erase(self, user_id: str) -> bool:
        """Remove every collection of the user; return whether this process could."""
        return self.erase_digest(user_digest(user_id))

    def erase_digest(self, digest: str) -> bool:
        """Remove every collection of the user whose `user_digest` this is; return whether this process could."""
        if self._url is not None or self._opened is not None:
            with _translated():
                self._delete(f"{self._prefix}-{digest[:_NAME_DIGITS]}-")
        return True

    def close(self) -> None:
        """Let go of files and connections."""
        with self._guard, _translated():
            if self._opened is None:
                return
            if self._url is None:
                self._delete(self._prefix)
            server = self._opened._server
            self._opened.close()
            self._opened = None
            # Handles of a process share a connection, which Chroma leaves open after the last of them.
            if self._url is not None and not server._running:
                server._session.close()  # type: ignore[attr-defined]

    def _name(self, user_id: str, key: str) -> str:
        return f"{self._prefix}-{user_digest(user_id)[:_NAME_DIGITS]}-{key}"

    def _delete(self, prefix: str) -> None:
        client = self._client()
        names: list[str] = []
        while page := client.list_collections(limit=UPSERT, offset=len(names)):
            names += [collection.name for collection in page]
        for name in names:
            if name.startswith(prefix):
                client.delete_collection(name)

    def _client(self) -> "Client":
        with self._guard:
            if self._opened is None:
                import chromadb

                if self._url is None:
                    self._opened = cast("Client", chromadb.EphemeralClient(settings=_quiet()))
                else:
                    self._opened = _connected(self._url)
            return self._opened


def _connected(url: str) -> "Client":
    """Return a client of a server that answers, which gives up on it when it no longer does."""
    import chromadb
    import httpx

    parts = urlsplit(url)
    https = parts.scheme == "https"
    port = parts.port or (443 if https else 8000)
    try:
        # Chroma's own client would wait for ever, from the first thing that it asks on.
        httpx.get(f"{parts.scheme}://{parts.netloc}/api/v2/heartbeat", timeout=PATIENCE_S)
        opened = chromadb.HttpClient(parts.hostname or "localhost", port, https, settings=_quiet())
    except (
        ValueError,
        httpx.TransportError,
    ) as error:  # the first is what Chroma makes of a refused connection
        raise IndexUnavailable(f"No Chroma server answers at {url}.") from error
    client = cast("Client", opened)
    client._server._session.timeout = httpx.Timeout(PATIENCE_S)  # type: ignore[attr-defined]
    return client


def _digest(text: str, characters: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:characters]


def _quiet() -> "ChromaSettings":
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn Chroma's failures, and those of the way to its server, into `IndexUnavailable`."""
    import httpx
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, httpx.HTTPError) as error:
        raise IndexUnavailable(f"The vector index failed: {error}") from error


def _count(client: "Client", name: str) -> int:
    from chromadb.errors import NotFoundError

    try:
        found: int = client.get_collection(name, embedding_function=None).count()
        return found
    except NotFoundError:
        return 0


def _upsert(client: "Client", name: str, numbers: Sequence[int], vectors: NDArray[np.float32]) -> None:
    # Without an explicit none, Chroma takes a default embedding function and fetches a model for it.
    collection = client.get_or_create_collection(
        name, embedding_function=None, configuration={"hnsw": {"space": "cosine", "ef_search": 200}}
    )
    for start in range(0, len(numbers), UPSERT):
        part = slice(start, start + UPSERT)
        collection.upsert(ids=[str(number) for number in numbers[part]], embeddings=vectors[part])


def _query(client: "Client", name: str, vector: NDArray[np.float32], n: int) -> list[int]:
    collection = client.get_collection(name, embedding_function=None)
    found = collection.query(query_embeddings=vector[np.newaxis], n_results=n, include=[])
    return [int(number) for number in found["ids"][0]]


def _drop(client: "Client", name: str) -> None:
    from chromadb.errors import NotFoundError

    with suppress(NotFoundError):
        client.delete_collection(name)
