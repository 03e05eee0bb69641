"""Runs async code for sync callers: one event loop in a thread of its own."""

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple

from anyio import CancelScope
from anyio.from_thread import BlockingPortal, start_blocking_portal

__all__ = ["Portal"]

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

_SLICE_S = 0.2
"""Longest wait at a stretch. Without an end a wait can be deaf to Ctrl-C: polars, when imported, installs a handler after
which the system call is restarted (`SA_RESTART`)."""


@dataclass(frozen=True, slots=True)
class _Raised:
    error: BaseException


class Portal:
    """The door from sync into async code; thread-safe, and usable where a loop already runs (Jupyter).

    The loop's thread starts at the first `run`. An unclosed portal is closed when the interpreter ends, and does not
    keep it alive.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._finalizer: weakref.finalize[..., Portal] | None = None
        self._portal: BlockingPortal | None = None
        self._thread: int | None = None
        self._closed = False

    def run(self, function: Callable[[*Arguments], Awaitable[T]], *arguments: *Arguments) -> T:
        """Await `function(*arguments)` in the portal's loop and return its result.

        Context variables of the caller are seen inside. If the caller is interrupted (Ctrl-C), the function is
        cancelled, and its clean-up has ended before the interrupt goes on.

        Raises:
            RuntimeError: The portal is closed, or this is called from inside its own loop.
        """
        portal = self._open()
        if threading.get_ident() == self._thread:
            raise RuntimeError(
                "This sync method was called from inside an async one; await its `a…` twin instead."
            )
        ended = threading.Event()

        async def work() -> T | _Raised:
            try:
                return await function(*arguments)
            except (KeyboardInterrupt, SystemExit) as error:
                return _Raised(error)  # let through, it would end the loop for everybody

        async def call() -> T | _Raised:
            # A task of its own is cancelled once, as asyncio does it, and may await in its clean-up; anyio would
            # cancel each of those awaits again.
            task = asyncio.ensure_future(work())
            try:
                return await asyncio.shield(task)
            finally:
                if not task.done():
                    task.cancel()
                    with CancelScope(shield=True):
                        await asyncio.wait([task])
                ended.set()

        future = portal.start_task_soon(call)
        try:
            while not wait([future], timeout=_SLICE_S).done:
                pass
            result = future.result()
        except BaseException:
            # Either the function raised, and has ended; or the wait was interrupted, and it must be stopped first.
            if future.cancel():
                ended.wait()
            raise
        if isinstance(result, _Raised):
            raise result.error
        return result

    def close(self) -> None:
        """Cancel what still runs and stop the thread; closing twice does nothing."""
        if threading.get_ident() == self._thread:
            raise RuntimeError("A portal cannot be closed from inside its own loop.")
        with self._lock:
            self._closed = True
            finalizer, self._finalizer, self._portal = self._finalizer, None, None
        if finalizer is not None:
            finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> BlockingPortal:
        with self._lock:
            if self._closed:
                raise RuntimeError("This portal is closed.")
            if self._portal is None:
                context = start_blocking_portal(name="limner-portal")
                self._portal = context.__enter__()
                self._thread = self._portal.call(threading.get_ident)
                # Also runs at the end of the interpreter, while the loop's thread, a daemon, is still there to answer;
                # afterwards the context would wait for it forever.
                self._finalizer = weakref.finalize(self, _stop, context, self._portal)
            return self._portal


def _stop(context: AbstractContextManager[BlockingPortal], portal: BlockingPortal) -> None:
    portal.call(portal.stop, True)
    context.__exit__(None, None, None)
