"""What turns text into vectors, whoever made it."""

from collections.abc import Callable, Sequence
from typing import Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from limner.errors import LimnerError
from limner.plugins import load_plugin, plugins
from limner.settings import Settings

__all__ = ["Encoder", "earlier_encoder", "encoder"]

GROUP = "limner.encoders"
"""Entry points of other packages: each a callable `(name, settings) -> Encoder`."""


@runtime_checkable
class Encoder(Protocol):
    """Maps texts to vectors whose inner product is their similarity.

    `(name, version)` identifies the vectors: two encoders that share both must give the same vectors, so a
    version is a content hash of the weights or the version of the package that carries them.
    """

    @property
    def name(self) -> str:
        """Name of the encoder, such as `all-MiniLM-L6-v2`."""
        ...

    @property
    def version(self) -> str:
        """Content hash or package version of the weights."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def encode_query(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode what is searched for.

        Returns:
            Shape `(len(texts), dimension)`, rows of unit length.
        """
        ...

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode what is searched in.

        Returns:
            Shape `(len(texts), dimension)`, rows of unit length.
        """
        ...


def encoder(settings: Settings) -> Encoder:
    """Return the encoder that the settings name; nothing is loaded before its first use.

    `settings.encoder` is a model name for sentence-transformers, or `plugin:name`, where `plugin` is an entry
    point of the group `limner.encoders`: a callable `(name, settings) -> Encoder`.

    Raises:
        ConfigurationError: Two installed packages claim the same plug-in name, or it cannot be imported.
    """
    plugin, separator, name = settings.encoder.partition(":")
    if not separator or plugin not in plugins(GROUP):
        from limner.inference.encoders.sentence_transformers import SentenceTransformerEncoder

        return SentenceTransformerEncoder(settings.encoder, settings)
    build = cast(Callable[[str, Settings], Encoder], load_plugin(GROUP, plugin))
    return build(name, settings)


def earlier_encoder(settings: Settings, name: str, version: str) -> Encoder | None:
    """Return the encoder of this name and version, if it is still here: nothing is fetched.

    Args:
        settings: Where models are.
        name: Its name, which a plug-in's encoder must be found by too.
        version: Its version; one of another version has other vectors.
    """
    from limner.inference.manifest import ENCODERS
    from limner.inference.packages import is_present

    if name in ENCODERS and not is_present(ENCODERS[name], settings.cache):
        return None
    try:
        found = encoder(settings.model_copy(update={"encoder": name}))
        return found if (found.name, found.version) == (name, version) else None
    except LimnerError:
        return None
