"""Which part of many a user belongs to: the same in every process, on every machine, in every version.

`shard_of` says in which of several SQLite data folders a user lives. Where a folder is added, only the users that move into the new one
move at all: that is what jump consistent hashing is for (Lamping and Veach 2014, "A fast, minimal memory, consistent hash
algorithm"). `partitioned` cuts a list of users into units of work.
"""

import hashlib
from collections.abc import Iterable

from limner.errors import InputError

__all__ = ["partitioned", "shard_of"]

_SHARD = b"limner shard"
_PART = b"limner part"
_MULTIPLIER = 2862933555777941757
_MASK = (1 << 64) - 1


def shard_of(user_id: str, shards: int) -> int:
    """Return the number of the shard in which a user lives, from 0.

    Never changes for the same arguments. Of `n` shards that become `n + 1`, one user of `n + 1` moves, into the new one.

    Args:
        user_id: Whose.
        shards: How many there are.

    Raises:
        InputError: There is not even one shard.
    """
    _check(shards)
    return _bucket(user_id, shards, _SHARD)


def partitioned(user_ids: Iterable[str], parts: int) -> list[list[str]]:
    """Cut users into parts of about the same size, each user in the part that their id alone decides.

    Independent of `shard_of`: the users of one shard are spread over all parts.

    Args:
        user_ids: Whom; the order is kept within a part.
        parts: How many parts; some may be empty.

    Raises:
        InputError: There is not even one part.
    """
    _check(parts)
    cut: list[list[str]] = [[] for _ in range(parts)]
    for user_id in user_ids:
        cut[_bucket(user_id, parts, _PART)].append(user_id)
    return cut


def _check(parts: int) -> None:
    if parts < 1:
        raise InputError(f"Users are divided among 1 part or more, not among {parts}.")


def _bucket(user_id: str, buckets: int, purpose: bytes) -> int:
    # A lone surrogate is no text that UTF-8 has; no store takes it either, so how it is hashed does not matter.
    digest = hashlib.blake2b(user_id.encode("utf-8", "surrogatepass"), digest_size=8, person=purpose).digest()
    key = int.from_bytes(digest, "big")
    bucket, following = (
        -1,
        0,
    )  # in whole numbers, where the paper divides floating ones: exact, and so the same everywhere
    while following < buckets:
        bucket = following
        key = (key * _MULTIPLIER + 1) & _MASK
        following = ((bucket + 1) << 31) // ((key >> 33) + 1)
    return bucket
