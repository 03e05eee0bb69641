"""Having something derived again: the observations behind it go back to the queue."""

from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from limner.memory.rows import chunked
from limner.memory.schema import observations, verdicts

__all__ = ("put_back",)


def put_back(connection: Connection, user_id: str, ids: Iterable[str]) -> set[str]:
    """Put observations back to pending, but for what limner said and the user's verdicts; return which were done."""
    found: set[str] = set()
    judged = select(verdicts.c.observation_id).where(verdicts.c.user_id == user_id)
    for chunk in chunked(sorted(ids)):
        statement = (
            update(observations)
            .where(
                observations.c.user_id == user_id,
                observations.c.id.in_(chunk),
                observations.c.state == "done",
                observations.c.author != "assistant",
                observations.c.id.not_in(judged),
            )
            .values(state="pending", attempts=0)
            .returning(observations.c.id)
        )
        found.update(connection.execute(statement).scalars())
    return found
