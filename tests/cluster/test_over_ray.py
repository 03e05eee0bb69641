"""The batch reflection on a Ray cluster, with a model behind a real wire: all of it is done, each observation once."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cluster.conftest import Nodes, words
from limner.api.cluster import ClusterJob, reflect_over_ray
from limner.memory import Memory, NewObservation
from limner.memory.schema import batch_members, observations, propositions
from limner.settings import Settings
from limner.testing import HashEncoder

USERS = 12
EACH = 6
ALL = USERS * EACH
LONG_S = 60
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
            states = dict(connection.execute(select(observations.c.state, func.count()).group_by("state")).all())
            assert set(states) == {"done"}
            batches = select(batch_members.c.observation_id, func.count()).group_by(batch_members.c.observation_id)
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
