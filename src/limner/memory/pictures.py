"""Pictures that came with observations: taken in, waiting for a model that sees, and what it saw.

An observation with a picture waits until a model has looked, and holds nobody else up meanwhile: it goes back to waiting with a
pause and its reason, and without an attempt being counted. What the model saw is kept with the picture, and goes with it.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from limner.errors import InputError
from limner.inference.pictures import data_url
from limner.memory.claims import FREED, Batch, check_held
from limner.memory.records import Media, Observation, utc_now
from limner.memory.rows import lock_user
from limner.memory.schema import observations

__all__ = ("bring_back", "describe", "is_unseen", "picture", "put_off", "waiting_to_be_seen")

PAUSE = timedelta(hours=1)
"""After which it is asked again whether the model sees, unless one that does comes first."""


def picture(path: str | Path) -> Media:
    """Return a picture in a file as it may come with an observation: the picture itself is kept, not where it lay.

    Args:
        path: A PNG, JPEG, GIF or WebP of at most 8 MB.

    Raises:
        InputError: It cannot be read, is none of these, or is too long.
    """
    path = Path(path).expanduser()
    try:
        url = data_url(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
    return Media(uri=url, mime_type=url[5 : url.index(";")])


def is_unseen(observation: Observation) -> bool:
    """Whether an observation has a picture that no model has looked at."""
    return observation.media is not None and observation.media.description is None


def put_off(connection: Connection, user_id: str, batch: Batch, ids: Collection[str], reason: str) -> Batch:
    """Let some observations of a batch wait for a model that sees, and return what is left of the batch.

    Raises:
        StaleClaim: The batch is somebody else's by now.
    """
    lock_user(connection, user_id)
    check_held(connection, user_id, batch)
    connection.execute(
        update(observations)
        .where(observations.c.user_id == user_id, observations.c.id.in_(ids))
        .values(
            **FREED,
            next_attempt_at=utc_now() + PAUSE,
            last_error=reason,
        )
    )
    return replace(batch, observations=tuple(o for o in batch.observations if o.id not in ids))


def describe(connection: Connection, user_id: str, batch: Batch, words: Mapping[str, str]) -> Batch:
    """Keep what a model saw in pictures of a batch, by observation, and return the batch with it.

    Raises:
        StaleClaim: The batch is somebody else's by now, or something of it was erased.
    """
    lock_user(connection, user_id)
    check_held(connection, user_id, batch)
    described = tuple(_described(o, words[o.id]) if o.id in words else o for o in batch.observations)
    for observation in described:
        if observation.id in words and observation.media is not None:
            connection.execute(
                update(observations)
                .where(observations.c.user_id == user_id, observations.c.id == observation.id)
                .values(media=observation.media.model_dump(mode="json"))
            )
    return replace(batch, observations=described)


def bring_back(connection: Connection, user_id: str) -> int:
    """End the pause of what waits to be seen, since a model that sees is there; return how many."""
    lock_user(connection, user_id)
    statement = update(observations).where(_waits(user_id)).values(next_attempt_at=None, last_error=None)
    return connection.execute(statement).rowcount


def waiting_to_be_seen(connection: Connection, user_id: str) -> int:
    """Return how many observations wait for a model that sees."""
    statement = select(func.count()).select_from(observations).where(_waits(user_id))
    return connection.execute(statement).scalar_one()


def _waits(user_id: str) -> ColumnElement[bool]:
    """Only these pause without an attempt being counted."""
    c = observations.c
    return and_(
        c.user_id == user_id,
        c.state == "pending",
        c.attempts == 0,
        c.next_attempt_at.is_not(None),
        c.media.is_not(None),
    )


def _described(observation: Observation, words: str) -> Observation:
    assert observation.media is not None
    media = observation.media.model_copy(update={"description": words})
    return observation.model_copy(update={"media": media})
