"""Which units wait, who may have them, and when a unit is given up."""

import time
from collections.abc import Callable, Iterable, Sequence

from limner.api.cluster.job import Outcome, Unit

__all__ = ["Board"]

MOST_DEATHS = 3
"""Workers that may die over one unit; then it is the unit, such as a user who does not fit into memory, and it is given up."""
MOST_FAILURES = 4
"""Times that the store may fail over one unit."""
FIRST_PAUSE_S = 2.0
"""Wait after the store failed over a unit; each further one is four times as long."""


class Board:
    """The units of a job. Those with most to do come first, so that nobody waits for a long one at the end.

    Args:
        units: All of them.
        clock: Seconds that only go forward.
    """

    def __init__(self, units: Iterable[Unit], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting = sorted(units, key=lambda unit: -unit.observations)
        self.total = len(self._waiting)
        self.done = 0
        self.given_up: dict[str, Outcome] = {}
        """Names of units, and what became of them."""
        self._running: set[str] = set()
        self._deaths: dict[str, int] = {}
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    @property
    def open(self) -> bool:
        """Whether anything is still to be done."""
        return bool(self._waiting or self._running)

    @property
    def waiting(self) -> int:
        """How many units wait."""
        return len(self._waiting)

    def waiting_for(self, node: str) -> int:
        """Return how many units wait that this node can do."""
        return sum(unit.nodes is None or node in unit.nodes for unit in self._waiting)

    def take(self, node: str) -> Unit | None:
        """Return the next unit that a worker on this node can do, or none."""
        now = self._clock()
        for place, unit in enumerate(self._waiting):
            here = unit.nodes is None or node in unit.nodes
            if here and self._not_before.get(unit.name, 0.0) <= now:
                self._running.add(unit.name)
                return self._waiting.pop(place)
        return None

    def put_back(self, unit: Unit) -> None:
        """Let a unit wait again that failed for no fault of its own."""
        self._running.discard(unit.name)
        self._waiting.insert(0, unit)

    def finished(self, unit: Unit) -> None:
        """Take note that all of a unit was gone through."""
        self._running.discard(unit.name)
        self.done += 1

    def lost(self, unit: Unit, outcome: Outcome) -> None:
        """Take note that the worker that had a unit died; it is done again elsewhere, unless that happens too often."""
        self._again(unit, outcome, self._deaths, MOST_DEATHS, 0.0)

    def failed(self, unit: Unit, outcome: Outcome) -> None:
        """Take note that the store failed over a unit; it is tried again later, unless that happens too often."""
        self._again(unit, outcome, self._failures, MOST_FAILURES, FIRST_PAUSE_S)

    def give_up(self, unit: Unit, outcome: Outcome) -> None:
        """Leave a unit: what it has waits for another job."""
        self._running.discard(unit.name)
        self.given_up[unit.name] = outcome

    def give_up_waiting(self, outcome: Outcome, but_on: Sequence[str] = ()) -> None:
        """Leave every unit that waits and that none of these nodes can do."""
        nodes = frozenset(but_on)
        for unit in list(self._waiting):
            if not nodes or (unit.nodes is not None and not unit.nodes & nodes):
                self._waiting.remove(unit)
                self.give_up(unit, outcome)

    def _again(self, unit: Unit, outcome: Outcome, counts: dict[str, int], most: int, pause_s: float) -> None:
        counts[unit.name] = counts.get(unit.name, 0) + 1
        if counts[unit.name] >= most:
            self.give_up(unit, outcome)
            return
        self._not_before[unit.name] = self._clock() + pause_s * 4 ** (counts[unit.name] - 1)
        self.put_back(unit)
