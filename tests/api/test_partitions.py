"""Which part a user belongs to: pinned, since a user who is looked for in another shard is lost."""

import subprocess
import sys
from collections import Counter

import pytest

from limner.api.partitions import partitioned, shard_of
from limner.errors import InputError

USERS = [f"user-{number}" for number in range(20_000)]


def test_shards_never_change() -> None:
    known = ["ada", "bob", "grace", "Ωμέγα", "user-0", "user-1", "x" * 256, ""]
    assert [shard_of(user, 8) for user in known[:7]] == [7, 5, 7, 1, 0, 6, 2]
    assert {shard_of(user, 1) for user in known} == {0}


def test_another_process_says_the_same() -> None:
    code = (
        "from limner.api.partitions import shard_of; print([shard_of(f'user-{n}', 1000) for n in range(50)])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == str([shard_of(f"user-{n}", 1000) for n in range(50)])


@pytest.mark.parametrize("shards", [2, 7, 64])
def test_shards_are_balanced(shards) -> None:
    sizes = Counter(shard_of(user, shards) for user in USERS)
    mean = len(USERS) / shards
    assert set(sizes) == set(range(shards))
    assert max(abs(size - mean) for size in sizes.values()) < 5 * mean**0.5  # five standard deviations


def test_a_new_shard_takes_its_share_and_moves_nobody_else() -> None:
    moved = [user for user in USERS if shard_of(user, 8) != shard_of(user, 9)]
    assert {shard_of(user, 9) for user in moved} == {8}
    assert abs(len(moved) - len(USERS) / 9) < 5 * (len(USERS) / 9) ** 0.5


def test_parts_hold_every_user_once_and_do_not_follow_the_shards() -> None:
    mine = [user for user in USERS if shard_of(user, 8) == 3]
    parts = partitioned(mine, 8)
    assert sorted(user for part in parts for user in part) == sorted(mine)
    assert min(map(len, parts)) > 0.8 * len(mine) / 8


@pytest.mark.parametrize("divide", [lambda: shard_of("ada", 0), lambda: partitioned([], 0)])
def test_there_is_at_least_one(divide) -> None:
    with pytest.raises(InputError, match="1 part or more"):
        divide()
