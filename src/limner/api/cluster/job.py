"""What the driver of a cluster job and its workers tell each other, and what becomes of it all.

Nothing here knows of Ray. Settings hold the keys of databases and endpoints: they are never part of a text.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from limner.api.everyone import EveryoneReflection, EveryoneStep
from limner.settings import Settings

__all__ = ["ClusterJob", "ClusterReflection", "ClusterStep", "Greeting", "Order", "Outcome", "Unit"]


@dataclass(frozen=True)
class ClusterJob:
    """What is to be done, and by how many."""

    settings: Settings
    shards: tuple[Path, ...] = ()
    """Data folders; none is the store of the settings."""
    endpoints: tuple[str, ...] = ()
    """Base URLs that serve the same model under the same name and key; none is that of the settings."""
    workers: int | None = None
    """Worker processes; none is one for each node, and two for each endpoint."""
    concurrency: int | None = None
    """Users that each worker has in hand at once, as in `Limner.areflect_all`."""


@dataclass(frozen=True)
class Unit:
    """What one worker works off at a time."""

    name: str
    """For messages: no user, and nothing secret."""
    users: tuple[str, ...] | None = field(default=None, repr=False)
    """Ids; none is everybody in the shard."""
    observations: int = 0
    """How many waited, where that is known."""
    shard: Path | None = None
    """The data folder; none is the store of the settings."""
    nodes: frozenset[str] | None = None
    """Ids of the nodes that see the shard; none is all of them."""


@dataclass(frozen=True)
class Order:
    """A unit, and how to do it."""

    settings: Settings = field(repr=False)
    """Complete: with the shard as the home, and the endpoint as the base URL."""
    users: tuple[str, ...] | None = field(repr=False)
    concurrency: int | None
    dead: tuple[str, ...]
    """Processes that are known to have ended: what they hold is free."""
    others: bool
    """Whether there are other endpoints."""


@dataclass(frozen=True)
class Greeting:
    """Who a worker is."""

    holder: str
    """The name under which it claims."""
    host: str


@dataclass(frozen=True)
class Outcome:
    """What became of a unit in the hands of one worker.

    `done`: all of it was gone through. `endpoint`: the endpoint is down. `store`: the store failed, which may pass.
    `refused`: the settings do not fit, or it is a defect; to try again is of no use. `withdrawn`: it was told to end.
    """

    kind: Literal["done", "endpoint", "store", "refused", "withdrawn"]
    reflection: EveryoneReflection
    """As far as it got."""
    why: str = ""
    exit_code: int = 0
    step: EveryoneStep | None = None
    """The last one."""


@dataclass(frozen=True)
class ClusterStep(EveryoneStep):
    """How far all workers together have got."""

    units_done: int = 0
    units: int = 0
    workers: int = 0
    """Workers that are there now."""
    lost: int = 0
    """Workers that died."""
    resting: int = 0
    """Endpoints that are left out now."""


@dataclass
class ClusterReflection(EveryoneReflection):
    """What all workers together have done."""

    units: int = 0
    unfinished: dict[str, str] = field(default_factory=dict)
    """Names of units that could not be gone through, and why; what they have waits."""
    exit_code: int = 0
    """Of the first unit that could not, as of a `LimnerError`."""
    workers_lost: int = 0
    """Workers that died. What they had stored is stored, but only counted as far as they had told."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Nodes of the cluster, and endpoints, that were not used, and why."""

    def add(self, part: EveryoneReflection) -> None:
        """Count what a unit did."""
        self.users += part.users
        self.batches += part.batches
        self.observations += part.observations
        self.added += part.added
        self.revised += part.revised
        self.retired += part.retired
        self.refused += part.refused
        self.failed |= part.failed
