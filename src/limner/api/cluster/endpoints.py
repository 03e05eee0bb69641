"""The endpoints that the workers share: who asks which, and which are left alone for a while because they do not answer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["EndpointPool"]

FIRST_PAUSE_S = 5.0
"""How long an endpoint that failed is left alone; twice as long after each further failure in a row."""
LONGEST_PAUSE_S = 60.0
GIVEN_UP_S = 600.0
"""How long after the first of a row of failures an endpoint is still tried."""


@dataclass
class _Endpoint:
    url: str | None
    asked_by: set[str] = field(default_factory=set)
    failures: int = 0
    """In a row."""
    failed_since: float = 0.0
    rests_until: float = 0.0
    given_up: bool = False
    why: str = ""


class EndpointPool:
    """Gives each unit of work the endpoint that the fewest others use; leaves out those that fail.

    Args:
        urls: Base URLs; a single none stands for what the settings say, the embedded engine if they name no endpoint.
        clock: Seconds that only go forward.
    """

    def __init__(self, urls: Sequence[str | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._endpoints = {url: _Endpoint(url) for url in urls}

    def __len__(self) -> int:
        return len(self._endpoints)

    @property
    def usable(self) -> bool:
        """Whether there is one that is used, or will be tried again."""
        return any(not one.given_up for one in self._endpoints.values())

    @property
    def resting(self) -> dict[str, str]:
        """Those that are left out now, and why."""
        now = self._clock()
        return {
            one.url or "the model of the settings": one.why
            for one in self._endpoints.values()
            if one.given_up or one.rests_until > now
        }

    @property
    def failing(self) -> dict[str, str]:
        """Those that failed when they were last asked, whether or not they rest now, and why."""
        every = self._endpoints.values()
        return {one.url or "the model of the settings": one.why for one in every if one.failures}

    def take(self, who: str, last: str | None = None) -> tuple[str | None] | None:
        """Take an endpoint for a worker, as a tuple of one; none where all of them are left out now.

        Args:
            who: The worker.
            last: What the worker used before: its connections are open, so it keeps that where others are no less busy.
        """
        now = self._clock()
        free = [one for one in self._endpoints.values() if not one.given_up and one.rests_until <= now]
        # One that has failed gets one worker to try it, not all of them.
        free = [one for one in free if not (one.failures and one.asked_by)]
        if not free:
            return None
        chosen = min(free, key=lambda one: (len(one.asked_by), one.failures, one.url != last))
        chosen.asked_by.add(who)
        return (chosen.url,)

    def give_back(self, who: str, url: str | None) -> None:
        """Take note that a worker asks an endpoint no more, whatever the reason."""
        self._endpoints[url].asked_by.discard(who)

    def answered(self, url: str | None) -> None:
        """Take note that an endpoint did what was asked of it."""
        one = self._endpoints[url]
        one.failures, one.rests_until, one.why = 0, 0.0, ""

    def failed(self, url: str | None, why: str) -> None:
        """Take note that an endpoint is down; what several workers find out at once counts once.

        The only one there is has been waited for by the worker, and is given up.
        """
        one, now = self._endpoints[url], self._clock()
        if one.rests_until > now:
            return
        one.failed_since = one.failed_since if one.failures else now
        one.failures += 1
        one.why = why
        one.rests_until = now + min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(one.failures - 1, 16))
        one.given_up = len(self) == 1 or now - one.failed_since >= GIVEN_UP_S
