"""Several things at once, of which the first that fails stops the others."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

__all__ = ["together"]

T = TypeVar("T")


async def together(calls: Iterable[Callable[[], Awaitable[T]]], *, at_once: int | None = None) -> list[T]:
    """Await all of them, and return what each gives, in their order.

    What the first one to fail raises is raised as it is, and not in a group; the others are cancelled.

    Args:
        calls: What to await.
        at_once: How many run side by side; none lets all of them.
    """
    waiting = list(calls)
    limit = anyio.CapacityLimiter(at_once if at_once is not None else max(1, len(waiting)))
    found: dict[int, T] = {}

    async def one(place: int) -> None:
        async with limit:
            found[place] = await waiting[place]()

    try:
        async with anyio.create_task_group() as tasks:
            for place in range(len(waiting)):
                tasks.start_soon(one, place)
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from group
    return [found[place] for place in range(len(waiting))]
