"""What is not brought up unasked: statements of a sensitive kind, by their words and by the encoder; no model is asked."""

from collections.abc import Sequence

from limner.inference import Encoder
from limner.profiles.sharing.kinds import Kind, kinds_by_words
from limner.profiles.sharing.prototypes import Prototypes, nearest

__all__ = ["sensitive_kinds"]

_THEIR_OWN = frozenset({Kind.THIRD_PERSON, Kind.WORK})
"""Kinds that are sensitive before others, but not before the user themself."""
_NEAR = 0.1
"""How much nearer than to harmless statements a statement must be to those of a kind, as a difference of cosines."""


def sensitive_kinds(texts: Sequence[str], encoder: Encoder) -> list[tuple[str, ...]]:
    """Return for each text the sensitive kinds that it touches, by name, in alphabetical order."""
    found: list[tuple[str, ...]] = []
    if not texts:
        return found
    for text, near in zip(texts, Prototypes.of(encoder).nearness(texts), strict=True):
        kinds = set(kinds_by_words(text))
        kind, by = nearest(near, _THEIR_OWN)
        if by > _NEAR:
            kinds.add(kind)
        found.append(tuple(sorted(str(one) for one in kinds - _THEIR_OWN)))
    return found
