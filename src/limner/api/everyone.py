"""Reflection on everybody who has something waiting: many users side by side, each in order.

So that the server is never idle while there is work, a user who takes long holds nobody up: whoever is free takes the next
one, and those with most come first. Nothing is held about users who are not in hand but a page of ids.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from limner.errors import ConfigurationError, InputError, LimnerError, ModelUnavailable, StoreError
from limner.inference import LanguageModel
from limner.inference.pace import IN_A_BATCH, Pace, Patience, patient
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

_TICK_S = 0.5
"""How often progress is told while the endpoint is waited for, in seconds."""


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
    """Hands out the users who have something due: the longest first, then page by page; once more those that were passed over."""

    def __init__(self, waiting: Waiting, users: Sequence[str] | None, longest: int) -> None:
        self._waiting = waiting
        self._users = users
        self._pages = self._all_pages(longest)
        self._page: deque[Due] = deque()
        self._turn = anyio.Lock()
        self._passed_over = False
        self.again = False
        """Whether it hands out those that were passed over."""

    def pass_over(self) -> None:
        """Take note that somebody else works on a user; whether they are done with them is looked at in the end."""
        self._passed_over = not self.again

    async def next(self) -> Due | None:
        """Return the next user, or none when there is no other."""
        async with self._turn:
            while not self._page:
                page = await to_thread.run_sync(next, self._pages, None)
                if page is not None:
                    self._page.extend(page)
                elif self._passed_over:
                    self._passed_over, self.again = False, True
                    self._pages = self._all_pages(0)
                else:
                    return None
            return self._page.popleft()

    def _all_pages(self, longest: int) -> Iterator[list[Due]]:
        if self._users is not None:
            for some in chunked(self._users, _PAGE):
                yield self._waiting.among(some)
            return
        first = self._waiting.longest(longest) if longest else []
        yield first
        had = {one.user_id for one in first}
        for page in self._waiting.everybody(_PAGE):
            yield [one for one in page if one.user_id not in had]


class Everyone:
    """One run over everybody; made by `Limner.areflect_all`.

    Args:
        limner: Whose users, models and settings.
        users: Those it is about; none is everybody.
        concurrency: How many users are worked on side by side.
        progress: Told at each change.
        patience: How long a call waits for an endpoint that is busy or down.
    """

    def __init__(
        self,
        limner: "Limner",
        users: Collection[str] | None,
        concurrency: int,
        progress: Callable[[EveryoneStep], None],
        patience: Patience = IN_A_BATCH,
    ) -> None:
        if concurrency < 1:
            raise InputError(f"At least one user at a time must be worked on, not {concurrency}.")
        self._limner = limner
        self._users = None if users is None else sorted(set(users))  # each once, and in one order
        self._concurrency = concurrency
        self._progress = progress
        self._patience = patience
        self.done = EveryoneReflection()
        """What is done so far; it is also there when a run fails."""
        self._users_done = 0
        self._observations_done = 0
        self._users_total = 0
        self._observations_total = 0
        self._model: LanguageModel | None = None
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
        self._users_total, self._observations_total = left.users, left.due
        self._tell()
        if left.due:
            self._model = await to_thread.run_sync(lambda: self._limner.model)
            with patient(self._patience):
                async with anyio.create_task_group() as group:
                    group.start_soon(self._watch, self._model.pace)
                    await self._work_off(_Queue(waiting, self._users, 4 * self._concurrency))
                    group.cancel_scope.cancel()
        if self._stopped is not None:
            self._stopped.add_note(f"reflected on before that: {self.done.observations} observations")
            raise self._stopped
        left = await to_thread.run_sync(waiting.left, self._users)
        self.done.pending, self.done.parked = left.pending, left.parked
        return self.done

    async def _work_off(self, queue: _Queue) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(min(self._concurrency, self._users_total)):
                group.start_soon(self._work, queue, group.cancel_scope)

    async def _watch(self, pace: Pace) -> None:
        """Tell how long the endpoint is waited for, for as long as it is."""
        told = False
        while True:
            await anyio.sleep(_TICK_S)
            in_trouble = pace.trouble is not None
            if in_trouble or told:
                self._tell()
            told = in_trouble

    async def _work(self, queue: _Queue, scope: anyio.CancelScope) -> None:
        """Take one user after the other, until there is no other or nothing can go on."""
        try:
            while (user := await queue.next()) is not None:
                if queue.again:  # they were taken out of the sum
                    self._expect(1, user.observations)
                if not await self._reflect(user):
                    queue.pass_over()
                    self._expect(-1, -user.observations)
        except LimnerError as error:
            self._stopped = self._stopped or error
            scope.cancel()

    async def _reflect(self, user: Due) -> bool:
        """Work off what one user has; return whether there was anything that nobody else works on."""
        limner, model = self._limner, self._model
        assert model is not None
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
            if done.batches:
                await to_thread.run_sync(_follow, memory)
        except (ModelUnavailable, StoreError, ConfigurationError):
            raise
        except LimnerError as error:
            done.failed.append(str(error))
        finally:
            self._count(user.user_id, done)
        if done.batches:
            self._users_done += 1
            self._tell()
        return done.batches > 0

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

    def _expect(self, users: int, observations: int) -> None:
        self._users_total += users
        self._observations_total += observations

    def _tell(self) -> None:
        self._progress(
            EveryoneStep(
                users_done=self._users_done,
                users=max(self._users_total, self._users_done),
                observations_done=self._observations_done,
                observations=max(self._observations_total, self._observations_done),
                failed=len(self.done.failed),
                waiting_s=self._model.pace.waiting_s if self._model else 0.0,
            )
        )


def _follow(memory: UserMemory) -> None:
    """Let the vector index follow; without it a search is slower, and the next turn mends it."""
    with suppress(StoreError):
        memory.drain_index()
