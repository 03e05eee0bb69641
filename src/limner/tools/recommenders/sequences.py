"""What people took, in order, cut into pieces that a sequence model can learn from."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from limner.tools.catalogue import Catalogue
from limner.tools.interactions import Interactions
from limner.tools.recommenders.base import Positions

__all__ = ["Places", "batches", "padded", "pieces", "sequences"]

Places = NDArray[np.int64]


def sequences(interactions: Interactions, catalogue: Catalogue) -> list[Positions]:
    """Return each user's items in order of time, each at its latest occurrence; who has one item only is left out."""
    found = (
        catalogue.positions(reversed(list(dict.fromkeys(reversed(history)))))
        for history in interactions.histories().values()
    )
    return [sequence for sequence in found if len(sequence) > 1]


def pieces(sequence: Positions, length: int, offset: int) -> list[Positions]:
    """Return the newest `length + 1` items, and what is older in pieces of that size, of which each begins where the one before ends.

    Args:
        sequence: A user's items, oldest first, at least 2.
        length: Most items that stand before a target.
        offset: How many targets the newest of the older pieces shares with the newest of all, from 0 to `length - 1`; another one
            each time shows an item with more before it and with less.
    """
    cut = [sequence[-length - 1 :]]
    end = len(sequence) - length + offset if len(sequence) > length + 1 else 0
    while end > 1:
        cut.append(sequence[max(0, end - length - 1) : end])
        end -= length
    return cut


def batches(
    parts: Sequence[Positions], size: int, rng: np.random.Generator
) -> Iterator[tuple[Places, Places]]:
    """Yield pieces in random order as `padded` gives them, `size` at a time."""
    order = rng.permutation(len(parts))
    for start in range(0, len(order), size):
        yield padded([parts[place] for place in order[start : start + size]])


def padded(parts: Sequence[Positions]) -> tuple[Places, Places]:
    """Return sequences in one array, shape `(sequences, longest)`, each at the right end and 0 before it, and their lengths."""
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    places = np.zeros((len(parts), int(lengths.max())), dtype=np.int64)
    for row, part in zip(places, parts, strict=True):
        row[len(row) - len(part) :] = part
    return places, lengths
