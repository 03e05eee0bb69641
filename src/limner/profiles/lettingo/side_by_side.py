"""Several things at once, of which the first that fails stops the others."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import anyio

__all__ = ["together"]


async def together(calls: Iterable[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """Await all of them; what the first one to fail raises is raised as it is, and the others are cancelled."""
    try:
        async with anyio.create_task_group() as tasks:
            for call in calls:
                tasks.start_soon(call)
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from group
