"""mem0, the open-source package, as a memory to compare with: on this machine alone, in memory, thrown away at the end.

Its version 2 keeps what a language model extracts from a few messages at a time and ranks it by the cosine of one
encoder. (With `mem0ai[nlp]` and fastembed it adds words and names to the ranking; both fetch models of their own.)
"""

import hashlib
import importlib
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from limner.errors import ConfigurationError, ModelError
from limner.evals.records import Passage, Role, Turn
from limner.inference.embedded import MissingExtra
from limner.inference.encoder import encoder
from limner.inference.weights import encoder_folder
from limner.settings import Settings

__all__ = ["Mem0Memory"]

_THRESHOLD = 0.1


class Mem0Memory:
    """mem0's `Memory` with a vector store in memory, the settings' encoder and the settings' endpoint.

    Telemetry is off, and mem0's own folder lies in the cache. One call runs at a time, as the store is not made for
    threads.

    Args:
        settings: `encoder` must be one that sentence-transformers loads; `base_url` and `model` are the language
            model that extracts.
        infer: Whether a language model extracts facts; if not, every turn is kept as it stands (system turns excepted,
            which mem0 leaves out) and no model is needed.
        turns_per_call: How many turns of a session mem0 gets at once when it extracts. Two is what the authors' own
            LoCoMo script takes.
        threshold: Least cosine of what is found, mem0's default.

    Raises:
        MissingExtra: mem0 is not installed.
        ConfigurationError: mem0 was imported before with its telemetry on, or there is no endpoint to extract with.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        infer: bool = True,
        turns_per_call: int = 2,
        threshold: float = _THRESHOLD,
    ) -> None:
        if infer and settings.base_url is None:
            raise ConfigurationError(
                "memory mem0 extracts with a language model: set LIMNER_BASE_URL and LIMNER_MODEL, or take mem0:verbatim, "
                "which keeps every turn as it stands."
            )
        if turns_per_call < 1:
            raise ConfigurationError(f"memory mem0: turns_per_call={turns_per_call} is not positive.")
        package = _package(settings.cache / "evals" / "mem0")
        vectors = encoder(settings)
        self.version = (
            f"mem0ai {version('mem0ai')}; dense {vectors.name} {vectors.version}; threshold {threshold}; "
            + (f"{turns_per_call} turns a call to {settings.model}" if infer else "turns as they stand")
        )
        self._infer = infer
        self._turns_per_call = turns_per_call if infer else 1
        self._threshold = threshold
        self._lock = threading.Lock()
        self._failures: type[Exception] = importlib.import_module("mem0.exceptions").LLMError
        self._memory = package.Memory.from_config(_configuration(settings, vectors.dimension))

    def add(self, user: str, messages: Sequence[Turn], timestamp: datetime | None) -> None:
        """Take in a session, a few turns at a time.

        Raises:
            ModelError: The language model could not be asked.
        """
        for start in range(0, len(messages), self._turns_per_call):
            turns = messages[start : start + self._turns_per_call]
            at = next((turn.at for turn in turns if turn.at is not None), timestamp)
            try:
                with self._lock:
                    self._memory.add(
                        [{"role": turn.role, "content": _valid(turn.text)} for turn in turns],
                        user_id=_user_id(user),
                        metadata={
                            "turns": [turn.id for turn in turns if turn.id is not None],
                            "at": None if at is None else at.isoformat(),
                        },
                        infer=self._infer,
                        prompt=_observation_date(at),
                    )
            except self._failures as error:
                raise ModelError(f"memory mem0: {error}") from error

    def search(self, user: str, query: str, k: int) -> Sequence[Passage]:
        """Return at most `k` memories, best first; mem0 refuses a query without text, which finds nothing here."""
        if not query.strip() or k <= 0:
            return []
        with self._lock:
            found = self._memory.search(
                _valid(query), filters={"user_id": _user_id(user)}, top_k=k, threshold=self._threshold
            )
        return [_passage(result) for result in found["results"]]

    def close(self) -> None:
        """Let go of the store and of what is in it."""
        with self._lock:
            self._memory.close()


def _package(folder: Path) -> ModuleType:
    """Import mem0 with its telemetry off and its folder away from the user's home; it reads both once, at import."""
    os.environ["MEM0_TELEMETRY"] = "False"
    os.environ["MEM0_DIR"] = str(folder)
    try:
        package = importlib.import_module("mem0")
        telemetry = importlib.import_module("mem0.memory.telemetry")
    except ImportError as error:
        raise MissingExtra(
            "memory mem0 needs mem0: `pip install limner[mem0]`, best in an environment of its own."
        ) from error
    if telemetry.MEM0_TELEMETRY:
        raise ConfigurationError(
            "mem0 was imported before with its telemetry on. Set MEM0_TELEMETRY=False before the program starts."
        )
    return package


def _configuration(settings: Settings, dimension: int) -> dict[str, Any]:
    key = settings.api_key.get_secret_value() if settings.api_key else "none"
    return {
        "vector_store": {
            "provider": "qdrant",
            "config": {"collection_name": "mem0", "embedding_model_dims": dimension, "path": ":memory:"},
        },
        "embedder": {
            "provider": "huggingface",
            "config": {
                "model": str(encoder_folder(settings.encoder, settings.cache)),
                "embedding_dims": dimension,
                "model_kwargs": {"device": "cpu", "local_files_only": True},
            },
        },
        # Not the provider `openai`: that one goes to OpenRouter whenever the environment has a key for it.
        "llm": {
            "provider": "vllm",
            "config": {
                "model": settings.model,
                "vllm_base_url": settings.base_url or "http://127.0.0.1:9/v1",  # never asked without `infer`
                "api_key": key,
                "temperature": settings.temperature,
            },
        },
        "history_db_path": ":memory:",
    }


def _passage(result: Mapping[str, Any]) -> Passage:
    kept = result.get("metadata") or {}
    at = kept.get("at")
    return Passage(
        result["memory"],
        ids=tuple(kept.get("turns") or ()),
        score=float(result["score"]),
        role=cast(Role | None, result.get("role")),
        at=None if at is None else datetime.fromisoformat(at),
    )


def _observation_date(at: datetime | None) -> str | None:
    # The package has no argument for the time of a session and tells its model that all was said today.
    return None if at is None else f"The Observation Date of the new messages is {at.date().isoformat()}."


def _user_id(user: str) -> str:
    # mem0 takes no white space in an id.
    return hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()


def _valid(text: str) -> str:
    # mem0 hashes texts as UTF-8, which has no lone surrogates; JSON files can hold some.
    return text.encode("utf-8", "replace").decode("utf-8")
