"""From a job to units of work."""

import math
from collections.abc import Sequence
from pathlib import Path

from limner.api.cluster.job import ClusterJob, Unit
from limner.api.cluster.survey import Node, shard_units
from limner.api.everyone import CONCURRENCY
from limner.api.partitions import partitioned
from limner.errors import ConfigurationError, InputError
from limner.memory.database import Database
from limner.memory.waiting import Waiting
from limner.settings import Settings

__all__ = ["check", "endpoints_of", "plan", "worker_count"]

_PAGE = 5000
"""Users who are looked up at once."""
_UNIT = 500
"""Most users of a unit: their ids then travel with the order, and not by way of Ray's object store, which may write to disk."""
_UNITS_PER_WORKER = 4
"""So that a slow one does not hold up the rest."""


def check(job: ClusterJob) -> tuple[Path, ...]:
    """Return the data folders of the job, none where its store is on PostgreSQL.

    Raises:
        InputError: The job contradicts itself.
    """
    for number, name in ((job.workers, "workers"), (job.concurrency, "concurrency")):
        if number is not None and number < 1:
            raise InputError(f"{name} is at least 1, not {number}.")
    shards = tuple(shard.expanduser().absolute() for shard in job.shards)
    if repeated := {shard for shard in shards if shards.count(shard) > 1}:
        raise InputError(f"The shard {min(repeated)} is named twice; a shard has one writer.")
    url = job.settings.database_url
    if url is None:
        shards = shards or (job.settings.home,)
    elif shards:
        raise InputError(
            "--shard is for data folders with SQLite; LIMNER_DATABASE_URL names another database."
        )
    elif url.get_secret_value().startswith("sqlite"):
        raise ConfigurationError(
            "LIMNER_DATABASE_URL names a SQLite file. For a cluster leave it out and name the data folders: --shard FOLDER."
        )
    if job.workers is not None and shards and job.workers > len(shards):
        raise InputError(
            f"{job.workers} workers for {len(shards)} SQLite {'store' if len(shards) == 1 else 'stores'}: one worker at a time "
            f"writes to each. Ask for at most {len(shards)}, divide the users among more (limner.api.partitions.shard_of), or use "
            f"PostgreSQL."
        )
    return shards


def endpoints_of(job: ClusterJob) -> tuple[str | None, ...]:
    """Return the endpoints of the pool, each once; a single none is the embedded engine."""
    return tuple(dict.fromkeys(job.endpoints)) or (job.settings.base_url,)


def worker_count(job: ClusterJob, nodes: Sequence[Node], units: int | None = None) -> int:
    """Return how many workers there are to be.

    Raises:
        ConfigurationError: More are asked for than the cluster has processors.
    """
    slots = sum(node.slots for node in nodes)
    if job.workers is not None and job.workers > slots:
        raise ConfigurationError(
            f"{job.workers} workers are asked for, and the nodes that have limner have {slots} processors; each worker takes one."
        )
    wanted = job.workers or max(len(nodes), 2 * len(endpoints_of(job)))
    return max(1, min(wanted, slots, wanted if units is None else units))


def plan(job: ClusterJob, shards: Sequence[Path], nodes: Sequence[Node]) -> list[Unit]:
    """Return the units: a shard each, or users with something waiting, divided by a hash of their ids.

    Raises:
        StoreError: The database does not answer.
        ConfigurationError: A shard is on no node.
        InputError: Two shards are the same store.
    """
    if shards:
        return shard_units(shards, nodes)
    due = _due(job.settings)
    in_hand = job.concurrency or CONCURRENCY
    workers = worker_count(job, nodes)
    # Many parts, so that a slow one holds nobody up, but none with so few users that a worker idles at its end.
    parts = max(_UNITS_PER_WORKER * workers, math.ceil(len(due) / _UNIT))
    parts = max(1, min(parts, max(workers, len(due) // (2 * in_hand))))
    units = []
    for number, users in enumerate(partitioned(due, parts), 1):
        if users:
            waiting = sum(due[user_id] for user_id in users)
            units.append(Unit(f"part {number} of {parts}", tuple(users), waiting))
    return units


def _due(settings: Settings) -> dict[str, int]:
    """Return how much each user has that a batch may take now."""
    database = Database(settings.database_place)
    try:
        pages = Waiting(database).everybody(_PAGE)
        return {due.user_id: due.observations for page in pages for due in page}
    finally:
        database.close()
