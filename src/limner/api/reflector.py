"""Reflection in the background, as `settings.reflect_every` says."""

import logging
import threading
from collections.abc import Callable, Sequence
from types import TracebackType

from limner.api.schedule import Schedule
from limner.errors import LimnerError

__all__ = ["BackgroundReflector"]

_logger = logging.getLogger("limner.reflect")


class _Logged:
    """Lets no error end the thread: limner's own is a line in the log, any other is a defect and comes with its traceback.

    Args:
        what: What failed, for the log.
        expected: Whether errors are expected now, because everything is being closed.
    """

    def __init__(self, what: str, expected: Callable[[], bool]) -> None:
        self._what = what
        self._expected = expected

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if not self._expected():
            own = isinstance(error, LimnerError)
            _logger.log(
                logging.WARNING if own else logging.ERROR,
                "%s; it is tried again at the next turn: %s",
                self._what,
                error,
                exc_info=None if own else error,
            )
        return True


class BackgroundReflector:
    """A daemon thread that reflects on users when it is their turn; `observe` only rings its bell.

    A reflection that fails is logged, leaves its observations pending, and shows in `status`.

    Args:
        schedule: When.
        reflect: Reflects on the user of this id.
        due: Ids of the users with something pending.
        pending: How much a user has pending.
    """

    def __init__(
        self,
        schedule: Schedule,
        reflect: Callable[[str], object],
        due: Callable[[], Sequence[str]],
        pending: Callable[[str], int],
    ) -> None:
        self._schedule = schedule
        self._reflect = reflect
        self._due = due
        self._pending = pending
        self._lock = threading.Lock()
        self._rung: set[str] = set()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        if schedule.observations is not None or schedule.seconds is not None:
            self._thread = threading.Thread(target=self._run, name="limner-reflect", daemon=True)
            self._thread.start()

    def observed(self, user_id: str) -> None:
        """Take note that a user has something new; returns at once."""
        if self._schedule.observations is None:
            return
        with self._lock:
            self._rung.add(user_id)
        self._wake.set()

    def stop(self) -> None:
        """Begin nothing more; returns at once, and what is in hand goes on."""
        self._closing.set()
        self._wake.set()

    def close(self) -> None:
        """Stop after the reflection in hand; to end sooner, cancel that after `stop`."""
        self.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait(self._schedule.seconds)
            self._wake.clear()
            if self._closing.is_set():
                return
            turn: Sequence[str] = ()
            with _Logged("Who is due cannot be read", self._closing.is_set):
                turn = self._turn()
            for user_id in turn:
                if self._closing.is_set():
                    return
                with _Logged("Reflection on a user failed", self._closing.is_set):
                    self._reflect(user_id)

    def _turn(self) -> Sequence[str]:
        if self._schedule.seconds is not None:
            return self._due()
        with self._lock:
            rung, self._rung = sorted(self._rung), set()
        least = self._schedule.observations or 1
        return [user_id for user_id in rung if self._pending(user_id) >= least]
