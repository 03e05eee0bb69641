"""How the calls to one server keep pace with it: none is lost because it is busy for a while, and it is not overrun.

A server that says it is busy (HTTP 429, 503) makes all callers wait together, as long as it asks for (`Retry-After`) and
longer each time it says so again; afterwards fewer calls run at once, and more again with every answer: additive increase and
multiplicative decrease, with slow start after an outage (Chiu and Jain 1989; Jacobson 1988). Where nobody answers at all, one call
at a time tries, until one comes through.
"""

import asyncio
import math
import random
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

import anyio

from limner.errors import ModelBusy, ModelDown, ModelError, ModelTooSlow, ModelUnavailable

__all__ = ["IN_A_BATCH", "Pace", "Patience", "patient"]

T = TypeVar("T")

MOST = 256
"""Calls at once, however well a server keeps up: as many sequences as vLLM computes side by side by default."""
FIRST_PAUSE_S = 0.5
"""Wait after the first failure, in seconds; it doubles with each further one. The half of it is drawn by lot."""
LONGEST_PAUSE_S = 30.0
"""Longest wait between two tries, in seconds, unless the server asks for more."""
_CUT = 0.7
"""What is left of the calls at once when a server says that it is busy; the half of them, as in TCP of old, leaves more of it idle."""
_FAULTS = 2
"""How often a call is repeated that a server fails on while it answers others."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call waits for a server that does not do it at once."""

    busy_s: float = 10.0
    """Longest wait while the server says that it is busy, in seconds."""
    down_s: float = 1.5
    """Longest wait while nobody answers, in seconds."""
    too_slow: int = 0
    """How often a call that took longer than the time-out is made again, with fewer others beside it."""
    waited_for: bool = True
    """Whether somebody waits for the answer; such calls go first."""


IN_A_BATCH = Patience(busy_s=600.0, down_s=600.0, too_slow=2, waited_for=False)
"""Nobody waits in front of a batch job: a server may restart meanwhile."""

_present: ContextVar[Patience | None] = ContextVar("limner_patience", default=None)


@contextmanager
def patient(patience: Patience) -> Iterator[None]:
    """Let the calls inside this block, and of the tasks and threads that it starts, have this patience."""
    token = _present.set(patience)
    try:
        yield
    finally:
        _present.reset(token)


class _Caller:
    """One call, with what it has seen of the server so far."""

    def __init__(self, patience: Patience, *, slot: bool) -> None:
        self.patience = patience
        self.slot = slot
        """Whether it counts among the calls at once."""
        self.queued = False
        self.wake: Callable[[], None] = lambda: None
        self.began = -math.inf
        self.not_before = -math.inf
        self.troubled_at: float | None = None
        """Since when it waits for a server that is busy or down."""
        self.met_trouble = False
        """Whether it was refused itself, and does not only wait with others."""
        self.losses = 0
        """How often it met a server that was down, each outage once."""
        self.outage = -1
        self.too_slow = 0
        self.faults = 0


class Pace:
    """Lets calls to one server begin, in the order in which they come; safe to share between threads and event loops.

    Args:
        patience: That of calls outside a `patient` block.
        most: Calls at once at the most.
        clock: Seconds that only grow.
        draw: Draws a number from 0 to 1.
    """

    def __init__(
        self,
        patience: Patience | None = None,
        *,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._patience = patience or Patience()
        self._most = most
        self._clock = clock
        self._draw = draw
        self._lock = threading.Lock()
        self._queue: deque[_Caller] = deque()
        self._running = 0
        self._answers = 0
        self._limit = self._threshold = float(most)
        self._resume_at = -math.inf
        self._struck_at = -math.inf
        self._strikes = 0
        self._outages = 0
        """Outages so far; it grows when one ends."""
        self._trouble: ModelBusy | ModelDown | None = None

    @property
    def at_once(self) -> int:
        """How many calls may run at once now."""
        with self._lock:
            return self._at_once()

    @property
    def waiting_s(self) -> float:
        """Seconds until the server is asked again; 0 while it is neither busy nor down."""
        with self._lock:
            return max(0.0, self._resume_at - self._clock()) if self._trouble else 0.0

    @property
    def answers(self) -> int:
        """How often the server has answered a call so far."""
        with self._lock:
            return self._answers

    @property
    def trouble(self) -> str | None:
        """What the server has failed with since its last answer; none where it has not."""
        with self._lock:
            return str(self._trouble) if self._trouble else None

    async def call(self, attempt: Callable[[], Awaitable[T]], *, slot: bool = True) -> T:
        """Make a call when it is its turn, and again while it is worth it.

        Args:
            attempt: Makes it once.
            slot: Whether it counts among the calls at once; small questions to a server, which no model answers, don't.

        Raises:
            ModelUnavailable: The server is busy or down for longer than the patience, or fails on this call alone.
        """
        caller = _Caller(_present.get() or self._patience, slot=slot)
        while True:
            await self._turn(caller)
            with self._judged(caller):
                return await attempt()

    def call_now(self, attempt: Callable[[], T], *, slot: bool = True) -> T:
        """Do as `call` does, in a thread that may wait; a thread cannot be interrupted, so it never waits as a batch does."""
        caller = _Caller(self._patience, slot=slot)
        while True:
            self._turn_now(caller)
            with self._judged(caller):
                return attempt()

    @contextmanager
    def _judged(self, caller: _Caller) -> Iterator[None]:
        """Take note of what becomes of a try; an error after which another one is worth it does not get through."""
        try:
            yield
        except ModelUnavailable as error:
            if not self._failed(caller, error):
                raise
        except ModelError:
            self._answered(caller)
            raise
        except BaseException:
            self._left(caller)
            raise
        else:
            self._answered(caller)

    async def _turn(self, caller: _Caller) -> None:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # that loop has ended, and the caller with it
                loop.call_soon_threadsafe(woken.set)

        caller.wake = wake
        try:
            while (wait := self._admit(caller)) > 0:
                with anyio.move_on_after(wait):
                    await woken.wait()
                woken.clear()
        except BaseException:
            self._withdraw(caller)
            raise

    def _turn_now(self, caller: _Caller) -> None:
        woken = threading.Event()
        caller.wake = woken.set
        try:
            while (wait := self._admit(caller)) > 0:
                woken.wait(None if math.isinf(wait) else wait)
                woken.clear()
        except BaseException:
            self._withdraw(caller)
            raise

    def _admit(self, caller: _Caller) -> float:
        """Let a call begin and return 0, or return how many seconds to wait at most before asking again.

        Raises:
            ModelUnavailable: The patience is at an end, or cannot last.
        """
        with self._lock:
            now = self._clock()
            if now < caller.not_before:
                return caller.not_before - now
            if not caller.queued and caller.slot:
                self._enqueue(caller)
            left = self._check_patience(caller, now)
            if caller.queued and caller is not self._queue[0]:
                return left
            if now < self._resume_at:
                return min(left, self._resume_at - now)
            if caller.queued:
                if self._running >= self._at_once():
                    return left
                self._dequeue(caller)
                self._running += 1
            caller.began = now
            return 0.0

    def _enqueue(self, caller: _Caller) -> None:
        """Let a call stand at the end, but before those for which nobody waits."""
        ahead = sum(other.patience.waited_for for other in self._queue)
        place = ahead if caller.patience.waited_for else len(self._queue)
        self._queue.insert(place, caller)
        caller.queued = True

    def _dequeue(self, caller: _Caller) -> None:
        self._queue.remove(caller)
        caller.queued = False
        self._wake_first()

    def _check_patience(self, caller: _Caller, now: float) -> float:
        """Return how many seconds the patience lasts; it has no end while a call only waits for others to end."""
        trouble = self._trouble
        if trouble is None:
            caller.troubled_at = caller.troubled_at if caller.met_trouble else None
            return math.inf
        caller.troubled_at = now if caller.troubled_at is None else caller.troubled_at
        until = self._deadline(caller)
        if now < until < self._resume_at and self._may_look(caller):
            self._resume_at = now
        if self._resume_at > until or now >= until:
            raise _anew(trouble) from trouble
        return until - now

    def _may_look(self, caller: _Caller) -> bool:
        """Whether one who cannot wait as long as others do asks a server that was down, rather than be told what they saw."""
        behind = caller.queued and caller is not self._queue[0]
        return isinstance(self._trouble, ModelDown) and not (caller.met_trouble or behind or self._running)

    def _deadline(self, caller: _Caller) -> float:
        assert caller.troubled_at is not None
        down = isinstance(self._trouble, ModelDown)
        return caller.troubled_at + (caller.patience.down_s if down else caller.patience.busy_s)

    def _at_once(self) -> int:
        return 1 if isinstance(self._trouble, ModelDown) else max(1, int(self._limit))

    def _answered(self, caller: _Caller) -> None:
        """Take note that the server has answered, whatever it said."""
        with self._lock:
            if caller.slot:
                self._running -= 1
                self._answers += 1
                grown = 1.0 if self._limit < self._threshold else 1.0 / self._limit
                self._limit = min(float(self._most), self._limit + grown)
            self._recover(caller)
            self._wake_first()

    def _recover(self, caller: _Caller) -> None:
        # That a server ends what it had begun, as one does that is being stopped, does not mean that it takes calls.
        if self._trouble is None or caller.began < self._struck_at:
            return
        if isinstance(self._trouble, ModelDown):
            # It has come up again: to begin with everything at once could be too much for it.
            self._outages += 1
            self._threshold, self._limit = self._limit, min(2.0, float(self._most))
        elif not caller.slot:  # small questions are answered by a busy one, too
            return
        self._trouble, self._strikes = None, 0
        self._wake_all()

    def _left(self, caller: _Caller) -> None:
        """Take note that a call has ended without a word about the server."""
        with self._lock:
            self._running -= caller.slot
            self._wake_first()

    def _withdraw(self, caller: _Caller) -> None:
        with self._lock:
            if caller.queued:
                self._dequeue(caller)

    def _failed(self, caller: _Caller, error: ModelUnavailable) -> bool:
        """Take note that a call has failed; return whether to make it again."""
        with self._lock:
            now = self._clock()
            self._running -= caller.slot
            again = self._judge(caller, error, now)
            self._wake_first()
            return again

    def _judge(self, caller: _Caller, error: ModelUnavailable, now: float) -> bool:
        if isinstance(error, ModelBusy | ModelDown):
            self._strike(caller, error, now)
            caller.troubled_at = now if caller.troubled_at is None else caller.troubled_at
            caller.met_trouble = True
            return self._resume_at <= self._deadline(caller) and not self._always_down_for(caller, error)
        if isinstance(error, ModelTooSlow):
            beside = self._running > 0
            self._cut(caller, now)
            caller.too_slow += 1
            return beside and caller.too_slow <= caller.patience.too_slow
        caller.faults += 1
        caller.not_before = now + self._pause(caller.faults)
        return error.again and caller.faults <= _FAULTS

    def _always_down_for(self, caller: _Caller, error: ModelUnavailable) -> bool:
        """Return whether the server goes down each time it is asked this, though it answers others in between."""
        if isinstance(error, ModelDown) and caller.outage != self._outages:
            caller.outage = self._outages
            caller.losses += 1
        return caller.losses > _FAULTS

    def _strike(self, caller: _Caller, error: ModelBusy | ModelDown, now: float) -> None:
        """Let everybody wait: longer, if the server has been waited for already."""
        if caller.began >= self._resume_at:  # else it only says again what is known
            self._strikes += 1
            if isinstance(error, ModelBusy):
                self._cut(caller, now)
            self._resume_at = now + self._pause(self._strikes)
            self._struck_at = now
        asked = error.retry_after_s if isinstance(error, ModelBusy) else None
        if asked is not None:
            self._resume_at = max(self._resume_at, now + asked * (1 + 0.1 * self._draw()))
        self._trouble = error
        self._wake_all()

    def _cut(self, caller: _Caller, now: float) -> None:
        """Let fewer run at once; what began before the last cut says nothing about it."""
        if caller.began >= self._struck_at:
            self._struck_at = now
            # What ran, not what might have: a limit that was never reached says nothing of the server.
            self._limit = self._threshold = max(1.0, _CUT * min(self._limit, self._running + 1.0))

    def _pause(self, failures: int) -> float:
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 16))
        return longest * (0.5 + 0.5 * self._draw())

    def _wake_first(self) -> None:
        """Let who is first look whether it is their turn."""
        if self._queue:
            self._queue[0].wake()

    def _wake_all(self) -> None:
        """Let everybody look how long they have to wait."""
        for caller in self._queue:
            caller.wake()


def _anew(error: ModelBusy | ModelDown) -> ModelUnavailable:
    """Return the error of another caller as one of one's own: a traceback belongs to one raise."""
    if isinstance(error, ModelBusy):
        return ModelBusy(str(error), error.retry_after_s)
    return ModelDown(str(error))
