"""What runs in each worker process: one open limner, which works off one unit after the other."""

import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Literal

import anyio
from anyio import to_thread

from limner.api.cluster.job import Greeting, Order, Outcome
from limner.api.everyone import CONCURRENCY, Everyone, EveryoneReflection, EveryoneStep
from limner.api.limner import Limner
from limner.errors import ConfigurationError, LimnerError, ModelUnavailable, NotFound, StoreError
from limner.inference.encoder import Encoder
from limner.inference.pace import IN_A_BATCH
from limner.memory.holders import take_for_dead, this_process
from limner.settings import Settings

__all__ = ["ReflectionWorker"]

_WITH_OTHERS = replace(IN_A_BATCH, down_s=5.0)
"""Where there are other endpoints, one that is down is not waited for."""


class ReflectionWorker:
    """Reflects on the users of the units that it is given; several of its methods may run at once, two reflections may not."""

    def __init__(self) -> None:
        # Settings come with each order and not with the worker's making: how an actor was made is kept by Ray's head, for as
        # long as the cluster lives, and there are keys in them.
        self._limner: Limner | None = None
        self._opened_with: Settings | None = None
        self._encoder: tuple[str, Encoder] | None = None
        self._step: EveryoneStep | None = None
        self._scope: anyio.CancelScope | None = None

    async def greet(self) -> Greeting:
        """Say who this is."""
        return Greeting(this_process(), socket.gethostname())

    async def progress(self) -> EveryoneStep | None:
        """Return how far the unit in hand has got; none while it is being opened."""
        return self._step

    async def reflect(self, order: Order) -> Outcome:
        """Work off a unit."""
        self._step = None
        take_for_dead(order.dead)
        with anyio.CancelScope() as self._scope:
            return await self._reflect(order)
        return Outcome("withdrawn", EveryoneReflection(), step=self._step)

    async def withdraw(self) -> None:
        """Put the batches in hand back, and end the reflection."""
        if self._scope is not None:
            self._scope.cancel()

    async def close(self) -> None:
        """Close what is open."""
        await to_thread.run_sync(self._close)

    async def _reflect(self, order: Order) -> Outcome:
        everyone: Everyone | None = None
        try:
            limner = await to_thread.run_sync(self._open, order.settings)
            side_by_side = order.concurrency or (1 if order.settings.base_url is None else CONCURRENCY)
            patience = _WITH_OTHERS if order.others else IN_A_BATCH
            everyone = Everyone(limner, order.users, side_by_side, self._note, patience)
            return Outcome("done", await everyone.run(), step=self._step)
        except LimnerError as error:
            done = everyone.done if everyone is not None else EveryoneReflection()
            return Outcome(_kind(error), done, str(error), error.exit_code, self._step)

    def _note(self, step: EveryoneStep) -> None:
        self._step = step

    def _open(self, settings: Settings) -> Limner:
        """Return limner with these settings: the one that is open, if it has them."""
        settings = _of_this_node(settings)
        if self._limner is None or settings != self._opened_with:
            self._close()
            # To load an encoder takes seconds, and the next shard has the same.
            name, encoder = self._encoder or ("", None)
            encoder = encoder if name == settings.encoder else None
            self._limner = Limner.open(settings=settings, encoder=encoder)
            self._opened_with = settings
            self._encoder = (settings.encoder, self._limner.encoder)
        return self._limner

    def _close(self) -> None:
        limner, self._limner = self._limner, None
        if limner is not None:
            limner.close()


def _of_this_node(settings: Settings) -> Settings:
    """Return the settings with what is another on each node.

    Raises:
        ConfigurationError: A folder that they name is not here; limner would go on without it, or make it, and say nothing.
    """
    if isinstance(settings.database_place, Path) and not settings.database_place.is_file():
        raise NotFound(f"{socket.gethostname()} has no store in {settings.home}.")
    if settings.prompts is not None and not settings.prompts.is_dir():
        raise ConfigurationError(
            f"LIMNER_PROMPTS is {settings.prompts}, and {socket.gethostname()} has no such folder: put it on every node."
        )
    changed: dict[str, object] = {"reflect_every": "manual"}
    if cache := os.environ.get("LIMNER_CACHE"):
        changed["cache"] = Path(cache).expanduser().absolute()
    return settings.model_copy(update=changed)


def _kind(error: LimnerError) -> Literal["endpoint", "store", "refused"]:
    if isinstance(error, ModelUnavailable):
        return "endpoint"
    return "store" if isinstance(error, StoreError) else "refused"
