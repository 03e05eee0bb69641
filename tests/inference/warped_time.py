"""An event loop whose clock jumps to the next timer instead of waiting for it, so that minutes of waiting take no time."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["WarpedLoop", "warped"]

T = TypeVar("T")


class _Jumping:
    """A selector that never sleeps: what it should have slept for is added to the clock."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        ready = self._real.select(0)
        if not ready:
            assert timeout is not None, "everybody waits, and for nothing that will ever happen"
            self.now += max(0.0, timeout)
        return ready

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class WarpedLoop(asyncio.SelectorEventLoop):
    """Its `time` is a clock for what runs in it."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)  # type: ignore[arg-type]

    def time(self) -> float:
        return self._jumping.now


def warped(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in such a loop."""
    with asyncio.Runner(loop_factory=WarpedLoop) as runner:
        return runner.run(main)
