"""What becomes of two records that are to be one user's: from a file and a store, or of two ids that become one.

- The same key with the same content is one observation; with other content, the one that comes is kept under a key of
  its own.
- Of one source the stricter settings hold: paused if either is, kept for the shorter time.
- Of a computed finding one version is held: the one that stands higher, and of these the newer. What the other rested
  on goes back to the queue, so that the next reflection computes it over everything.
- What the user denied on either side is held on neither.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from limner.memory.asof import NOW
from limner.memory.denials import refusals
from limner.memory.lineage import Lineage
from limner.memory.propositions import held_propositions
from limner.memory.rederiving import put_back
from limner.memory.revision import retire_version
from limner.memory.rows import chunked
from limner.memory.schema import observations

__all__ = (
    "derive_again",
    "finish",
    "free_key",
    "higher",
    "redirected",
    "retire_denied",
    "says_the_same",
    "stored_by_key",
    "strictest_days",
    "strictest_pause",
)

_MAX_KEY = 512
_CONTENT = ("text", "source", "author", "event", "media")


def says_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two rows of observations have the same content, whenever they were made."""
    return all(one[name] == other[name] for name in _CONTENT)


def free_key(key: str, prefix: str) -> str:
    """Return a key that tells where another one came from; one too long is replaced by its hash."""
    long = f"{prefix}:{key}"
    return long if len(long) <= _MAX_KEY else f"joined:{hashlib.sha256(long.encode()).hexdigest()}"


def strictest_pause(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return since when something is paused that is so where either is."""
    return min((moment for moment in (one, other) if moment is not None), default=None)


def strictest_days(one: int | None, other: int | None) -> int | None:
    """Return the shorter of two retention periods; to follow the settings is shorter than to keep for good (0)."""
    if periods := [days for days in (one, other) if days]:
        return min(periods)
    return None if one is None or other is None else 0


def higher(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether the first of two rows of propositions on one topic is the one to be held."""
    rank = [(row["standing"], row["recorded_at"], row["id"]) for row in (one, other)]
    return bool(rank[0] > rank[1])


def derive_again(connection: Connection, user_id: str, retired: Collection[str]) -> None:
    """Put what these versions rested on back to the queue."""
    cited = Lineage(connection, user_id).rested_on(set(retired))
    put_back(connection, user_id, {one for observed in cited.values() for one in observed})


def retire_denied(connection: Connection, user_id: str, now: datetime) -> int:
    """Retire what is held although the user denied it on the other side; return how many versions."""
    refused = refusals(connection, user_id, held_propositions(connection, user_id, NOW))
    for id in refused:
        retire_version(connection, user_id, id, "denied by the user", now)
    return len(refused)


def finish(connection: Connection, user_id: str, ids: Iterable[str]) -> None:
    """Mark observations as reflected on; a reflection that has one of them in hand finds its claim gone."""
    for chunk in chunked(ids):
        connection.execute(
            update(observations)
            .where(
                observations.c.user_id == user_id,
                observations.c.id.in_(chunk),
                observations.c.state.in_(("pending", "claimed")),
            )
            .values(state="done", claim_id=None, claim_holder=None, claim_expires_at=None)
        )


def redirected(lines: Iterable[Mapping[str, Any]], same: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the lines of a portrait with other ids for some observations.

    Args:
        lines: As they are stored.
        same: The id that stands for another one.
    """
    return [
        {
            **line,
            "evidence": [
                {**span, "observation_id": same.get(span["observation_id"], span["observation_id"])}
                for span in line.get("evidence", ())
            ],
        }
        for line in lines
    ]


def stored_by_key(connection: Connection, user_id: str, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the observations of a user that have one of these keys, as rows by key."""
    found: dict[str, dict[str, Any]] = {}
    for chunk in chunked(keys):
        statement = select(observations).where(
            observations.c.user_id == user_id, observations.c.key.in_(chunk)
        )
        found.update({row["key"]: dict(row) for row in connection.execute(statement).mappings()})
    return found
