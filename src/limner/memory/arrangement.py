"""How the documents that a search may see lie beside each other: sittings, and windows within them.

A sitting is a conversation: the observations of one session, or, where none is named, those of one source that follow each
other within half an hour. Propositions, which are said nowhere, are each on their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from limner.memory.documents import KINDS
from limner.memory.snapshot_columns import Columns

__all__ = ("Arrangement", "sums_before")

_DENSE = 16
"""Times as many places as spans up to which a term's counts are summed over all places."""
_BREAK = 30 * 60 * 1_000_000
"""Microseconds of silence after which another sitting begins, where sessions are not named."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The window around each place, which begins at `starts` and ends before `ends`; every array has shape (m,)."""

    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    lengths: NDArray[np.float64]
    """How many index terms each has."""

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.starts.nbytes + self.ends.nbytes + self.lengths.nbytes

    def summed(self, running: NDArray[np.float64], chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the sum over the windows around some places, (c,).

        Args:
            running: See `sums_before`.
            chosen: Which windows, (c,).
        """
        sums: NDArray[np.float64] = running[self.ends[chosen]] - running[self.starts[chosen]]
        return sums

    def touched(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the places that lie in the window of one of some places, rising."""
        steps = np.zeros(len(self.starts) + 1, dtype=np.intp)
        np.add.at(steps, self.starts[places], 1)
        np.add.at(steps, self.ends[places], -1)
        return np.flatnonzero(np.cumsum(steps[:-1]))

    def reached(self, hits: NDArray[np.intp]) -> int:
        """Return in how many windows a term stands.

        Args:
            hits: The places where it stands, rising, (h,).
        """
        # Windows are mutual: the places whose window has a hit are those in the window of one.
        starts, ends = self.starts[hits], self.ends[hits]
        covered = np.concatenate(([0], ends[:-1]))
        return int(np.sum(ends - np.maximum(starts, covered)))


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """Documents in the order of their sittings; each has a place from 0 to m − 1 in it."""

    order: NDArray[np.intp]
    """The snapshot's position of the document at each place, (m,)."""
    places: NDArray[np.intp]
    """The place of the document at each position of the snapshot, (n,); −1 for one that is not seen."""
    sittings: NDArray[np.intp]
    """The sitting at each place, rising, (m,)."""
    first: NDArray[np.intp]
    """The first place of the sitting at each place, (m,)."""
    last: NDArray[np.intp]
    """The last one, (m,)."""
    lengths: NDArray[np.float64]
    """How many index terms the document at each place has, (m,)."""
    sitting_lengths: NDArray[np.float64]
    """The same of each sitting, (s,)."""
    _windows: dict[int, "Windows"] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Columns, seen: NDArray[np.bool_]) -> "Arrangement":
        """Arrange some documents of a snapshot.

        Args:
            columns: The snapshot's.
            seen: Which of them, (n,).
        """
        positions = np.flatnonzero(seen)
        said = columns.kinds[positions] == KINDS.index("observation")
        alone, positions = positions[~said], positions[said]
        keys = (
            positions,
            columns.moments[positions],
            columns.sessions[positions],
            columns.sources[positions],
        )
        positions = positions[np.lexsort(keys)]
        begins = np.ones(len(positions) + len(alone), dtype=np.bool_)
        if len(positions) > 1:
            before, after = positions[:-1], positions[1:]
            sessions = columns.sessions
            silent = (sessions[after] < 0) & (columns.moments[after] - columns.moments[before] > _BREAK)
            elsewhere = columns.sources[after] != columns.sources[before]
            begins[1 : len(positions)] = elsewhere | (sessions[after] != sessions[before]) | silent
        order = np.concatenate((positions, alone))
        places = np.full(len(columns), -1, dtype=np.intp)
        places[order] = np.arange(len(order))
        sittings = np.cumsum(begins) - 1
        starts = np.flatnonzero(begins)
        ends = np.append(starts[1:], len(order)) - 1
        lengths = columns.lengths[order].astype(np.float64)
        by_sitting = np.bincount(sittings, lengths).astype(np.float64)
        return cls(order, places, sittings, starts[sittings], ends[sittings], lengths, by_sitting)

    def __len__(self) -> int:
        return len(self.order)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        arrays = [self.order, self.places, self.sittings, self.first, self.last, self.lengths]
        return sum(array.nbytes for array in arrays) + sum(w.nbytes for w in list(self._windows.values()))

    def sorted(
        self, positions: NDArray[np.int64], values: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the places of some documents, rising, and their values in that order; those not seen are left out.

        Args:
            positions: In the snapshot, (h,).
            values: One of each, (h,).
        """
        places = self.places[positions]
        order = np.argsort(places, kind="stable")
        order = order[np.searchsorted(places[order], 0) :]
        return places[order], values[order]

    def counted(
        self,
        hits: NDArray[np.intp],
        counts: NDArray[np.float64],
        spans: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    ) -> list[NDArray[np.float64]]:
        """Return how often a term stands in each of some spans, (c,) each.

        Args:
            hits: The places where it stands, rising, (h,).
            counts: How often at each, (h,).
            spans: Where each begins, (c,), and before which place it ends, (c,).
        """
        if len(self) > _DENSE * len(
            spans[0][0]
        ):  # looking each end up is shorter than going through all places
            running = sums_before(counts)
            return [running[np.searchsorted(hits, e)] - running[np.searchsorted(hits, s)] for s, e in spans]
        standing = np.zeros(len(self))
        standing[hits] = counts
        running = sums_before(standing)
        return [running[ends] - running[starts] for starts, ends in spans]

    def windows(self, radius: int) -> "Windows":
        """Return the windows of every place.

        Args:
            radius: How many neighbours on each side belong to one, as far as its sitting goes.
        """
        if radius not in self._windows:
            here = np.arange(len(self))
            starts, ends = np.maximum(self.first, here - radius), np.minimum(self.last, here + radius) + 1
            running = sums_before(self.lengths)
            self._windows[radius] = Windows(starts, ends, running[ends] - running[starts])
        return self._windows[radius]

    def before(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value (m,) of what was said just before in the same sitting, (m,); 0 where nothing was."""
        found = np.zeros(len(self))
        found[1:] = np.where(self.first[1:] < np.arange(1, len(self)), values[:-1], 0.0)
        return found

    def after(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value (m,) of what was said just after in the same sitting, (m,); 0 where nothing was."""
        found = np.zeros(len(self))
        found[:-1] = np.where(self.last[:-1] > np.arange(len(self) - 1), values[1:], 0.0)
        return found


def sums_before(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of what comes before each place, and of all, (m + 1,)."""
    running = np.zeros(len(values) + 1)
    np.cumsum(values, out=running[1:])
    return running
