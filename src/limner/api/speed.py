"""How fast something has been of late, and how long the rest will take."""

import time
from collections import deque
from collections.abc import Callable

__all__ = ["Speed"]


class Speed:
    """Counts what is done over a window of time.

    Args:
        window_s: How far back it looks, in seconds; it keeps about a hundred moments of that.
        clock: Seconds that only grow.
    """

    def __init__(self, window_s: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._window_s = window_s
        self._clock = clock
        self._moments: deque[tuple[float, int]] = deque()

    def note(self, done: int) -> None:
        """Take note of how much is done in all by now."""
        now = self._clock()
        if not self._moments or now - self._moments[-1][0] >= self._window_s / 100:
            self._moments.append((now, done))
        while len(self._moments) > 2 and self._moments[1][0] <= now - self._window_s:
            self._moments.popleft()

    @property
    def rate(self) -> float | None:
        """How much is done in a second; none where that cannot be told yet."""
        if not self._moments:
            return None
        (since, before), (_, done) = self._moments[0], self._moments[-1]
        seconds = self._clock() - since
        return (done - before) / seconds if done > before and seconds > 0 else None

    def left_s(self, left: int) -> float | None:
        """Return how many seconds so much more will take at this rate; none where that cannot be told."""
        rate = self.rate
        return left / rate if rate else None
