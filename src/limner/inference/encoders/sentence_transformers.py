"""Encoders that sentence-transformers can load."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limner.inference.manifest import ENCODERS
from limner.inference.weights import content_version, encoder_folder
from limner.settings import Settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["SentenceTransformerEncoder"]

_BATCH = 32
_KNOWN_DIMENSIONS = {"all-MiniLM-L6-v2": 384}


class SentenceTransformerEncoder:
    """A sentence-transformers model; torch is imported at the first text, not before. Thread-safe.

    Args:
        name: A packaged encoder's name, a folder, or a name on the hub.
        settings: Where the cache is.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self._cache = settings.cache
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of the weights."""
        if self.name in ENCODERS:
            weights = next(file for file in ENCODERS[self.name].files if file.path == "model.safetensors")
            return weights.sha256[:12]
        return self._content_version

    @property
    def dimension(self) -> int:
        """Length of a vector; for an encoder that is not packaged the model is loaded to find out."""
        return _KNOWN_DIMENSIONS.get(self.name) or self._measured_dimension

    def encode_query(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode what is searched for: shape `(len(texts), dimension)`, rows of unit length."""
        return self._encode(texts, query=True)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode what is searched in: shape `(len(texts), dimension)`, rows of unit length."""
        return self._encode(texts, query=False)

    def _encode(self, texts: Sequence[str], *, query: bool) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        encode = self._model.encode_query if query else self._model.encode_document
        vectors = encode(
            list(texts),
            batch_size=_BATCH,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    @cached_property
    def _measured_dimension(self) -> int:
        return int(self._encode(["."], query=False).shape[1])

    @cached_property
    def _folder(self) -> Path:
        return encoder_folder(self.name, self._cache)

    @cached_property
    def _content_version(self) -> str:
        return content_version(self._folder)

    @property
    def _model(self) -> "SentenceTransformer":
        with self._lock:
            return self._loaded

    @cached_property
    def _loaded(self) -> "SentenceTransformer":
        folder = self._folder
        with _hub_offline():
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging

            logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # a bar for one small file is noise
            return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


@contextmanager
def _hub_offline() -> Iterator[None]:
    # The folder is whole; without this the libraries still ask the hub whether there is a newer one.
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before
