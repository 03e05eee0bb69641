"""Answers of chat models, kept by the content of the request, so that a repeated evaluation need not ask again."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from anyio import to_thread
from langchain_core.caches import BaseCache
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, message_to_dict, messages_from_dict
from langchain_core.outputs import ChatGeneration, Generation

from limner.errors import StoreError, StoreFull
from limner.sqlite import use_write_ahead_log

__all__ = ["ResponseCache", "was_reused", "with_cache"]

_REUSED = "limner_reused"
_FAILED = ("error", "abort", "content_filter", "none")
"""Finish reasons of an answer that is not what the model would say if asked again."""
_NOT_CONTENT = ("openai_api_key", "max_retries", "request_timeout", "http_client", "http_async_client")
"""What `ChatOpenAI` tells of itself that changes no answer."""
_WAIT_S = 60.0
_VERSION = 1


class ResponseCache(BaseCache):
    """A langchain cache in one SQLite file, for evaluation runs.

    Off unless it is handed to `language_model` or `LanguageModel.wrap`: answers are about a user and are written to
    disk as they are, outside the memory's own storage, where deleting the user does not reach them. Requests are not
    written; the key is a hash of the messages, of everything that was asked for with them, and of the model.

    Only whole answers are kept: a call that failed leaves nothing, nor does an answer that the endpoint ended for an
    error or a filter. An answer that stopped at its longest length is kept, for it would stop there again. The first
    answer to a request stays. With a temperature above zero a repeated request gets the same sample again: give each
    repetition a seed of its own.

    Threads, tasks and processes may share one file; two that ask the same at the same time both ask the model. Close
    the cache after the models that use it, or use it as a context manager.

    Args:
        path: The file; it is made where there is none, in a folder that exists.

    Raises:
        StoreError: The file cannot be opened, is no such cache, or was written by a newer limner.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        with self._failures():
            self._connection = sqlite3.connect(
                self.path, timeout=_WAIT_S, check_same_thread=False, isolation_level=None
            )
        try:
            with self._failures():
                self._prepare()
        except StoreError:
            self._connection.close()
            raise

    def lookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        """Return the answer to a request, or none.

        Args:
            prompt: The messages, serialised by langchain.
            llm_string: The model and what it was asked for, serialised by langchain.

        Raises:
            StoreError: The file cannot be read, or its entry cannot.
        """
        with self._lock, self._failures():
            found = self._connection.execute(
                "SELECT answer FROM responses WHERE request = ?", (_key(prompt, llm_string),)
            ).fetchone()
        if found is None:
            return None
        try:
            return [_generation(entry) for entry in json.loads(found[0])]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreError(f"{self.path} holds an answer that cannot be read; delete the file.") from error

    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """Keep the answer to a request, if it is a whole one and there is none yet.

        Raises:
            StoreError: The file cannot be written, or the answer holds something that is no JSON.
        """
        if any(_failed(generation) for generation in return_val):
            return
        try:
            answer = json.dumps([_entry(generation) for generation in return_val])
        except (TypeError, ValueError) as error:
            raise StoreError(f"An answer of this model cannot be kept in {self.path}: {error}.") from error
        with self._lock, self._failures():
            self._connection.execute(
                "INSERT INTO responses VALUES (?, ?) ON CONFLICT DO NOTHING",
                (_key(prompt, llm_string), answer),
            )

    def clear(self, **_: Any) -> None:  # noqa: ANN401 - langchain's signature
        """Forget every answer, of every model."""
        with self._lock, self._failures():
            self._connection.execute("DELETE FROM responses")

    async def alookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        """Like `lookup`, without blocking the event loop."""
        return await to_thread.run_sync(self.lookup, prompt, llm_string)

    async def aupdate(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """Like `update`, without blocking the event loop."""
        await to_thread.run_sync(self.update, prompt, llm_string, return_val)

    async def aclear(self, **_: Any) -> None:  # noqa: ANN401 - langchain's signature
        """Like `clear`, without blocking the event loop."""
        await to_thread.run_sync(self.clear)

    def __len__(self) -> int:
        """Return how many answers are kept."""
        with self._lock, self._failures():
            return int(self._connection.execute("SELECT count(*) FROM responses").fetchone()[0])

    def __bool__(self) -> bool:
        return True  # an empty cache is one all the same

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self) -> None:
        # First of all, for it is where a file that is no database shows.
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise StoreError(f"{self.path} was written by a newer limner; take another file.")
        use_write_ahead_log(self._connection, patience_s=_WAIT_S)
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS responses (request BLOB PRIMARY KEY, answer TEXT NOT NULL) WITHOUT ROWID"
        )
        self._connection.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            kind = (
                StoreFull if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL else StoreError
            )
            raise kind(f"The response cache {self.path} failed: {error}.") from error


class _BoundCache(BaseCache):
    """A response cache as one model sees it."""

    def __init__(self, cache: ResponseCache, identity: str) -> None:
        self._cache = cache
        self._identity = identity

    def lookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        return self._cache.lookup(prompt, self._asked(llm_string))

    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        self._cache.update(prompt, self._asked(llm_string), return_val)

    def clear(self, **_: Any) -> None:  # noqa: ANN401 - langchain's signature
        self._cache.clear()

    async def alookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        return await self._cache.alookup(prompt, self._asked(llm_string))

    async def aupdate(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        await self._cache.aupdate(prompt, self._asked(llm_string), return_val)

    async def aclear(self, **_: Any) -> None:  # noqa: ANN401 - langchain's signature
        await self._cache.aclear()

    def _asked(self, llm_string: str) -> str:
        # The model's own description, a JSON object for the models that can be serialised, and then the request's.
        try:
            model, end = json.JSONDecoder().raw_decode(llm_string)
            told = dict(model["kwargs"])
        except (ValueError, TypeError, KeyError):
            return f"{self._identity}\n{llm_string}"
        for name in (*_NOT_CONTENT, "openai_api_base"):
            told.pop(name, None)
        return "\n".join((
            self._identity,
            json.dumps(model | {"kwargs": told}, sort_keys=True),
            llm_string[end:],
        ))


def with_cache(chat: BaseChatModel, cache: ResponseCache, identity: str) -> BaseChatModel:
    """Return a copy of a chat model that uses a cache; the one given stays as it is.

    Args:
        chat: The model.
        cache: What it looks into before it asks.
        identity: What makes its answers: endpoint and served name, or a hash of the weights. It is part of every key, in
            place of the address; an embedded engine listens on another port each time.
    """
    copy = chat.model_copy(update={"cache": _BoundCache(cache, identity)})
    # Langchain describes a model once; a copy with other parameters must not go by the description of its original.
    copy.__dict__.pop("_serialized", None)
    return copy


def was_reused(message: AIMessage) -> bool:
    """Whether this answer came from a `ResponseCache`, and no model was asked."""
    return bool(message.response_metadata.get(_REUSED))


def _key(prompt: str, llm_string: str) -> bytes:
    # The lengths keep the two apart, whatever they hold.
    text = f"{len(prompt)}\n{prompt}\n{llm_string}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _failed(generation: Generation) -> bool:
    known = dict(generation.generation_info or {})
    if isinstance(generation, ChatGeneration):
        known |= generation.message.response_metadata
    # Not every kind of model tells why it ended; one that tells, and has no reason, was cut off.
    return "finish_reason" in known and str(known["finish_reason"]).lower() in _FAILED


def _entry(generation: Generation) -> dict[str, Any]:
    message = message_to_dict(generation.message) if isinstance(generation, ChatGeneration) else None
    return {"text": generation.text, "info": generation.generation_info, "message": message}


def _generation(entry: dict[str, Any]) -> Generation:
    if entry["message"] is None:
        return Generation(text=entry["text"], generation_info=entry["info"])
    message = messages_from_dict([entry["message"]])[0]
    # On the message itself, so that no other call can be taken for a reused one.
    message.response_metadata[_REUSED] = True
    return ChatGeneration(message=message, generation_info=entry["info"])
