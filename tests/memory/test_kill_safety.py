"""Kill the process anywhere: nothing acknowledged is lost, nothing is applied twice, and an erasure is finished."""

import os
import random
import sys

import pytest

from durability.killing import ANY_MOMENT, POINTS, Kills

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")


def test_a_process_may_be_killed(tmp_path) -> None:
    kills = Kills(tmp_path / "home", seed=1)
    drawn = random.Random(1).sample(sorted(POINTS), 4)
    for number, point in enumerate([
        ANY_MOMENT,
        "after commit",
        *drawn,
        ANY_MOMENT,
        "before the logs are searched",
        "before the log is emptied",
    ]):
        kills.kill(number, point)
    kills.finish()
    assert len(kills.said) > 10


@pytest.mark.crash
@pytest.mark.timeout(3600)
def test_a_process_may_be_killed_two_hundred_times(tmp_path, capsys) -> None:
    seed = int(os.environ.get("CRASH_SEED", "1"))
    tables = []
    for store in range(5):
        kills = Kills(tmp_path / str(store), seed=seed * 1000 + store)
        points = random.Random(kills.seed).sample(sorted(POINTS), len(POINTS))
        for number in range(40):
            kills.kill(number, points[number // 2 % len(points)] if number % 2 else ANY_MOMENT)
        kills.finish()
        tables.append(kills)
    for kills in tables[1:]:
        tables[0].tally.update(kills.tally)
    with capsys.disabled():
        sys.stdout.write(
            f"\nCRASH_SEED={seed}, stores are whole after {5 * 40} kills:\n{tables[0].table()}\n"
        )


@pytest.mark.crash
@pytest.mark.timeout(3600)
def test_a_process_may_be_killed_that_uses_servers(tmp_path, postgresql_url, chroma_url, capsys) -> None:
    places = {"database_url": postgresql_url, "chroma_url": chroma_url}
    seed = int(os.environ.get("CRASH_SEED", "1"))
    kills = Kills(tmp_path / "home", seed=seed, places=places)
    points = sorted(POINTS.keys() - {"a file of the index is removed"})
    for number in range(2 * len(points)):
        kills.kill(number, points[number // 2] if number % 2 else ANY_MOMENT)
    kills.finish()
    with capsys.disabled():
        sys.stdout.write(f"\nCRASH_SEED={seed}, PostgreSQL and a Chroma server:\n{kills.table()}\n")
