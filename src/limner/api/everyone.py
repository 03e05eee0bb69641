"""Reflection on everybody who has something waiting: many users side by side, each in order.

So that the server is never idle while there is work, a user who takes long holds nobody up: whoever is free takes the next
one, and those with most come first. Nothing is held about users who are not in hand but a page of ids.
"""

from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from limner.errors import ConfigurationError, InputError, LimnerError, ModelUnavailable, StoreError
from limner.memory.rows import chunked
from limner.memory.user import UserMemory
from limner.memory.waiting import Due, Waiting
from limner.profiles.propositions.reflect import ItemKnowledge, Reflection, ReflectionStep, work_off

if TYPE_CHECKING:
    from limner.api.limner import Limner

__all__ = ["CONCURRENCY", "Everyone", "EveryoneReflection", "EveryoneStep"]

CONCURRENCY = 32
"""Users side by side on an endpoint, where nothing else is said."""

_PAGE = 500
"""Users who are looked up at once."""


@dataclass(frozen=True)
class EveryoneStep:
    """How far it has got, for whoever shows it."""

    users_done: int
    users: int
    """How many had something waiting at the start."""
    observations_done: int
    """Those reflected on, and those of batches that failed."""
    observations: int
    """How many waited at the start, and came since."""
    failed: int
    """Users of whom a batch failed."""
    waiting_s: float
    """Seconds until the endpoint is asked again; 0 unless it is busy or down."""


@dataclass
class EveryoneReflection:
    """What was done for everybody."""

    users: int = 0
    """Of whom something was reflected on."""
    batches: int = 0
    observations: int = 0
    added: int = 0
    revised: int = 0
    retired: int = 0
    refused: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Ids of users of whom a batch failed, and why; what they have waits."""
    pending: int = 0
    """Observations that still wait, or are in a batch of somebody else's."""
    parked: int = 0
    """Observations that failed too often."""


class _Queue:
    """Hands out the users who have something due, each once: the longest first, then page by page."""

    def __init__(self, waiting: Waiting, users: Collection[str] | None, longest: int) -> None:
        self._waiting = waiting
        self._pages = None if users is None else chunked(users, _PAGE)
        self._longest = longest
        self._first: frozenset[str] | None = None if users is None else frozenset()
        self._last = ""
        self._page: deque[Due] = deque()
        self._turn = anyio.Lock()

    async def next(self) -> Due | None:
        """Return the next user, or none when there is no other."""
        async with self._turn:
            while not self._page:
                more = await to_thread.run_sync(self._more)
                if more is None:
                    return None
                self._page.extend(more)
            return self._page.popleft()

    def _more(self) -> list[Due] | None:
        """Return another page; none after the last. It may be empty though another follows."""
        if self._pages is not None:
            some = next(self._pages, None)
            return None if some is None else self._waiting.among(some)
        if self._first is None:
            longest = self._waiting.longest(self._longest)
            self._first = frozenset(one.user_id for one in longest)
            return longest
        page = self._waiting.after(self._last, _PAGE)
        if not page:
            return None
        self._last = page[-1].user_id
        return [one for one in page if one.user_id not in self._first]


class Everyone:
    """One run over everybody; made by `Limner.areflect_all`.

    Args:
        limner: Whose users, models and settings.
        users: Those it is about; none is everybody.
        concurrency: How many users are worked on side by side.
        progress: Told at each change.
    """

    def __init__(
        self,
        limner: "Limner",
        users: Collection[str] | None,
        concurrency: int,
        progress: Callable[[EveryoneStep], None],
    ) -> None:
        if concurrency < 1:
            raise InputError(f"At least one user at a time must be worked on, not {concurrency}.")
        self._limner = limner
        self._users = None if users is None else sorted(set(users))
        self._concurrency = concurrency
        self._progress = progress
        self.done = EveryoneReflection()
        """What is done so far; it is also there when a run fails."""
        self._users_done = 0
        self._observations_done = 0
        self._total = (0, 0)
        self._stopped: LimnerError | None = None
        self._items: ItemKnowledge | None = None
        self._items_known = False
        self._items_turn = anyio.Lock()

    async def run(self) -> EveryoneReflection:
        """Work off what waits.

        Raises:
            ModelUnavailable: The endpoint is down, or stayed busy; what was not finished waits.
            StoreError: The store failed; likewise.
        """
        waiting = self._limner.memory.waiting
        left = await to_thread.run_sync(waiting.left, self._users)
        self._total = (left.users, left.due)
        self._tell()
        if left.due:
            queue = _Queue(waiting, self._users, 4 * self._concurrency)
            async with anyio.create_task_group() as group:
                for _ in range(min(self._concurrency, left.users)):
                    group.start_soon(self._work, queue, group.cancel_scope)
        if self._stopped is not None:
            self._stopped.add_note(f"reflected on before that: {self.done.observations} observations")
            raise self._stopped
        left = await to_thread.run_sync(waiting.left, self._users)
        self.done.pending, self.done.parked = left.pending, left.parked
        return self.done

    async def _work(self, queue: _Queue, scope: anyio.CancelScope) -> None:
        """Take one user after the other, until there is no other or nothing can go on."""
        try:
            while (user := await queue.next()) is not None:
                await self._reflect(user)
        except LimnerError as error:
            self._stopped = self._stopped or error
            scope.cancel()

    async def _reflect(self, user: Due) -> None:
        limner = self._limner
        model = await to_thread.run_sync(lambda: limner.model)
        items = await self._known_items() if user.events else None
        memory = await to_thread.run_sync(limner.memory.user, user.user_id)
        done = Reflection()
        try:
            await work_off(
                memory,
                model,
                limner.encoder,
                limner.settings,
                items=items,
                alone=True,
                progress=self._step,
                result=done,
            )
            await to_thread.run_sync(_follow, memory)
        except (ModelUnavailable, StoreError, ConfigurationError):
            raise
        except LimnerError as error:
            done.failed.append(str(error))
        finally:
            self._count(user.user_id, done)
        self._users_done += 1
        self._tell()

    async def _known_items(self) -> ItemKnowledge | None:
        async with self._items_turn:
            if not self._items_known:
                self._items = await to_thread.run_sync(self._limner.known_items)
                self._items_known = True
        return self._items

    def _count(self, user_id: str, done: Reflection) -> None:
        total = self.done
        total.users += done.observations > 0
        total.batches += done.batches
        total.observations += done.observations
        total.added += len(done.added)
        total.revised += len(done.revised)
        total.retired += len(done.retired)
        total.refused += len(done.refused)
        if done.failed:
            total.failed[user_id] = done.failed[-1]

    def _step(self, step: ReflectionStep) -> None:
        if step.stage in {"stored", "failed"}:
            self._observations_done += step.observations
            self._tell()

    def _tell(self) -> None:
        users, observations = self._total
        self._progress(
            EveryoneStep(
                users_done=self._users_done,
                users=max(users, self._users_done),
                observations_done=self._observations_done,
                observations=max(observations, self._observations_done),
                failed=len(self.done.failed),
                waiting_s=0.0,
            )
        )


def _follow(memory: UserMemory) -> None:
    """Let the vector index follow; without it a search is slower, and the next turn mends it."""
    with suppress(StoreError):
        memory.drain_index()
