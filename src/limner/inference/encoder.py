"""What turns text into vectors, whoever made it."""

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from limner.errors import ConfigurationError
from limner.settings import Settings

__all__ = ["Encoder", "encoder"]


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
    found = list(entry_points(group="limner.encoders", name=plugin)) if separator else []
    if not found:
        from limner.inference.encoders.sentence_transformers import SentenceTransformerEncoder

        return SentenceTransformerEncoder(settings.encoder, settings)
    if len({point.value for point in found}) > 1:
        raise ConfigurationError(
            f"LIMNER_ENCODER={settings.encoder}: several packages register an encoder {plugin!r}: "
            f"{', '.join(sorted(point.value for point in found))}. Uninstall all but one."
        )
    try:
        build = cast(Callable[[str, Settings], Encoder], found[0].load())
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"LIMNER_ENCODER={settings.encoder}: the plug-in {found[0].value} cannot be imported: {error}"
        ) from error
    return build(name, settings)
