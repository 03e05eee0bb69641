"""What statements of each kind look like to the encoder, so that a paraphrase without a giveaway word is noticed."""

import json
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from typing import cast

import numpy as np
from numpy.typing import NDArray

from limner.inference.encoder import Encoder
from limner.profiles.sharing.kinds import Kind

__all__ = ["Nearness", "Prototypes", "nearest"]

_NEAREST = 3
"""Examples of a kind whose mean similarity counts; one alone is too easily near by chance."""
_known: dict[tuple[str, str, int], "Prototypes"] = {}

Nearness = Mapping[Kind | None, float]
"""Mean cosine of a statement to the nearest examples of each kind; none stands for harmless ones."""


class Prototypes:
    """Examples of every kind and of harmless statements, encoded.

    Args:
        encoder: What encodes the examples, and the statements that are compared with them.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        texts = files("limner.profiles.sharing").joinpath("prototypes.json").read_text("utf-8")
        examples = cast(dict[str, list[str]], json.loads(texts))
        vectors = encoder.encode_documents([text for group in examples.values() for text in group])
        self._rows: dict[Kind | None, NDArray[np.float32]] = {}
        start = 0
        for name, group in examples.items():
            kind = None if name == "none" else Kind(name)
            self._rows[kind] = vectors[start : start + len(group)]
            start += len(group)

    @classmethod
    def of(cls, encoder: Encoder) -> "Prototypes":
        """Return those of an encoder, which are made once in a process."""
        key = (encoder.name, encoder.version, encoder.dimension)
        if key not in _known:
            _known[key] = cls(encoder)
        return _known[key]

    def nearness(self, statements: Sequence[str]) -> list[Nearness]:
        """Return how near each statement is to every kind."""
        vectors = self._encoder.encode_documents(statements)
        return [
            {kind: float(np.sort(rows @ vector)[-_NEAREST:].mean()) for kind, rows in self._rows.items()}
            for vector in vectors
        ]


def nearest(nearness: Nearness, opened: Collection[Kind]) -> tuple[Kind, float]:
    """Return the nearest kind that is not opened, and by how much it is nearer than harmless or opened ones."""
    closed = {kind: value for kind, value in nearness.items() if kind is not None and kind not in opened}
    harmless = max(value for kind, value in nearness.items() if kind not in closed)
    kind = max(closed, key=closed.__getitem__)
    return kind, closed[kind] - harmless
