"""A store in which many other users have records, written straight into SQLite: it is they who are slow to come by otherwise."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from synthetic import DIMENSION, SyntheticEncoder, directions, texts

from limner.memory.lexical import tokenize

_START = datetime(2024, 1, 1, tzinfo=UTC)


def add_crowd(path: Path, records: int, users: int, seed: int = 0) -> None:
    """Write observations of other users, with terms and vectors, in the order in which the tables are kept.

    Args:
        path: A SQLite database of limner's that nobody has open.
        records: How many in all.
        users: How many users they belong to, each having as many.
        seed: Of what is drawn.
    """
    each = records // users
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("foreign_keys = OFF", "synchronous = OFF", "cache_size = -400000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM documents").fetchone()
    number = last + 1
    pool = directions(4096, seed)  # others' vectors are never compared: what counts is that they lie there
    for user in range(users):
        name = f"other-{user:06d}"
        said = texts(each, seed + 1 + user)
        now = str((_START + timedelta(minutes=user)).replace(tzinfo=None))
        connection.execute(
            "INSERT INTO users (id, created_at, version, epoch) VALUES (?, ?, 1, ?)", (name, now, user + 1)
        )
        ids = [f"{user:08x}-0000-7000-8000-{i:012x}" for i in range(each)]
        numbers = range(number, number + each)
        connection.executemany(
            "INSERT INTO observations (user_id, id, text, source, author, occurred_at, utc_offset, recorded_at, state,"
            " attempts) VALUES (?, ?, ?, 'chat', 'user', ?, 0, ?, 'done', 0)",
            ((name, id, words, now, now) for id, words in zip(ids, said, strict=True)),
        )
        counted = [_counted(words) for words in said]
        connection.executemany(
            "INSERT INTO documents (user_id, id, kind, observation_id, length, recorded_at, changed)"
            " VALUES (?, ?, 'observation', ?, ?, ?, 1)",
            ((name, n, id, sum(c.values()), now) for n, id, c in zip(numbers, ids, counted, strict=True)),
        )
        connection.executemany(
            "INSERT INTO terms (user_id, term, document_id, frequency) VALUES (?, ?, ?, ?)",
            sorted(
                (name, term, n, f) for n, c in zip(numbers, counted, strict=True) for term, f in c.items()
            ),
        )
        connection.executemany(
            "INSERT INTO vectors (user_id, document_id, encoder, encoder_version, dimension, vector)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                (name, n, SyntheticEncoder.name, SyntheticEncoder.version, DIMENSION, v)
                for n, v in _vectors(numbers, pool)
            ),
        )
        number += each
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _counted(words: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for term in tokenize(words):
        found[term] = found.get(term, 0) + 1
    return found


def _vectors(
    numbers: range, pool: "np.ndarray[tuple[int, int], np.dtype[np.float32]]"
) -> Iterator[tuple[int, bytes]]:
    for number in numbers:
        yield number, pool[number % len(pool)].astype("<f4").tobytes()
