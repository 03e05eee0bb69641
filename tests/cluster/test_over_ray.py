"""The batch reflection on a Ray cluster, with a model behind a real wire: all of it is done, each observation once."""

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cluster.conftest import Nodes, serving, words
from limner.api.cluster import ClusterJob, ClusterReflection, ClusterStep, reflect_over_ray
from limner.api.partitions import shard_of
from limner.memory import Memory, NewObservation
from limner.memory.database import Database
from limner.memory.schema import batch_members, observations, propositions
from limner.settings import Settings
from limner.testing import HashEncoder

USERS = 12
EACH = 6
ALL = USERS * EACH
LONG_S = 100
"""Far below the lease of half an hour, which nobody is to wait for."""


@pytest.fixture
def settings(postgresql_url: str, model_server, tmp_path: Path) -> Settings:
    """A store on PostgreSQL, in which every user has something waiting; a batch holds two or three observations."""
    made = _settings(model_server.url, home=tmp_path / "home", database_url=postgresql_url)
    _fill(made, range(USERS))
    return made


def _settings(url: str, **more: object) -> Settings:
    return Settings(
        base_url=url, model="m", encoder="hashed:64", dataset=None, batch_tokens=100, timeout_s=20, **more
    )


def _fill(settings: Settings, users: Iterable[int]) -> None:
    with Memory(settings, HashEncoder(64)) as memory:
        for user in users:
            memory.user(f"user-{user}").observe_many(
                NewObservation(f"I {words((user, number))}") for number in range(EACH)
            )


def _check_once(*stores: Settings) -> None:
    """Every observation is done, in one batch, and stands behind one proposition."""
    found = Counter()
    for store in stores:
        with Memory(store, HashEncoder(64)) as memory, memory.database.read() as connection:
            states = dict(
                connection.execute(select(observations.c.state, func.count()).group_by("state")).all()
            )
            assert set(states) == {"done"}
            batches = select(batch_members.c.observation_id, func.count()).group_by(
                batch_members.c.observation_id
            )
            assert {count for _, count in connection.execute(batches)} == {1}
            kept = select(propositions.c.user_id, propositions.c.text, propositions.c.retired_at)
            rows = connection.execute(kept).all()
            assert {row.retired_at for row in rows} == {None}
            found.update((row.user_id, row.text) for row in rows)
    said = {(f"user-{u}", f"The user {words((u, n))}") for u in range(USERS) for n in range(EACH)}
    assert found == Counter(said)


def test_two_workers_share_the_users(nodes: Nodes, settings: Settings) -> None:
    steps = []
    done = reflect_over_ray(ClusterJob(settings, concurrency=2), nodes.address, progress=steps.append)
    assert (done.users, done.observations, done.added) == (USERS, ALL, ALL)
    assert (done.failed, done.unfinished, done.pending, done.workers_lost) == ({}, {}, 0, 0)
    assert max(step.workers for step in steps) == 2
    assert (steps[-1].users_done, steps[-1].observations_done) == (USERS, ALL)
    _check_once(settings)


def test_a_worker_that_is_killed_loses_nothing(nodes: Nodes, settings: Settings) -> None:
    killed = []

    def kill(step: ClusterStep) -> None:
        if not killed and step.observations_done >= 10:
            killed.append(_kill_one(settings))

    done = _run(nodes, settings, kill)
    assert killed
    assert (done.workers_lost, done.unfinished, done.failed, done.pending) == (1, {}, {}, 0)
    _check_once(settings)


def test_a_node_that_dies_loses_nothing(nodes: Nodes, settings: Settings) -> None:
    lost = []

    def lose(step: ClusterStep) -> None:
        if not lost and step.observations_done >= 10:
            name = _holders(settings)[0][1]
            nodes.lose(name)
            lost.append(name)

    done = _run(nodes, settings, lose)
    assert lost
    assert (done.unfinished, done.failed, done.pending) == ({}, {}, 0)
    assert done.workers_lost <= 1  # none where it could hand in its work before it went
    _check_once(settings)


def test_shards_have_one_writer_each_and_lose_nothing_when_it_is_killed(
    nodes: Nodes, model_server, tmp_path: Path
) -> None:
    shards = [_settings(model_server.url, home=tmp_path / f"shard-{number}") for number in range(3)]
    for number, shard in enumerate(shards):
        _fill(shard, [user for user in range(USERS) if shard_of(f"user-{user}", 3) == number])
    killed: list[int] = []

    def kill(step: ClusterStep) -> None:
        for shard in shards:
            writers = _holders(shard)
            assert len(writers) <= 1 + len(killed)
            if not killed and writers and step.observations_done >= 10:
                os.kill(writers[0][0], signal.SIGKILL)
                killed.append(writers[0][0])

    job = ClusterJob(shards[0], shards=tuple(shard.home for shard in shards), concurrency=2)
    done = reflect_over_ray(job, nodes.address, progress=kill)
    assert (done.units, done.workers_lost, done.unfinished, done.pending) == (3, 1, {}, 0)
    _check_once(*shards)


def test_an_endpoint_that_dies_is_left_out(nodes: Nodes, settings: Settings, model_server) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(serving())

        def stop(step: ClusterStep) -> None:
            if step.observations_done >= 10 and other.asked:
                stack.close()

        done = _run(nodes, settings, stop, endpoints=(other.url, model_server.url))
    assert (done.unfinished, done.failed, done.pending) == ({}, {}, 0)
    assert other.url in done.left_out
    _check_once(settings)


def _run(
    nodes: Nodes, settings: Settings, progress: Callable[[ClusterStep], None], **more: Any
) -> ClusterReflection:
    began = time.monotonic()
    done = reflect_over_ray(ClusterJob(settings, concurrency=2, **more), nodes.address, progress=progress)
    assert time.monotonic() - began < LONG_S
    return done


def _holders(settings: Settings) -> list[tuple[int, str]]:
    """Return number and host of the processes that hold batches."""
    held = select(observations.c.claim_holder).where(observations.c.state == "claimed").distinct()
    database = Database(settings.database_place)
    try:
        with database.read() as connection:
            names = list(connection.execute(held).scalars())
    finally:
        database.close()
    return [(int(name.partition(".")[0]), name.partition("@")[2]) for name in names]


def _kill_one(settings: Settings) -> int:
    pid, host = _holders(settings)[0]
    assert host != socket.gethostname()  # so that nobody can see for themselves that it is dead
    os.kill(pid, signal.SIGKILL)
    return pid
