"""Reading propositions: those held at a moment, one line of revisions, one by id."""

from sqlalchemy import Connection, select

from limner.errors import NotFound
from limner.memory.asof import NOW, AsOf
from limner.memory.records import Proposition
from limner.memory.rows import propositions_from
from limner.memory.schema import propositions

__all__ = ("held_propositions", "line_of_revisions", "one_proposition")


def held_propositions(connection: Connection, user_id: str, when: AsOf = NOW) -> list[Proposition]:
    """Return the propositions that answer for a moment, oldest first."""
    statement = (
        select(propositions)
        .where(propositions.c.user_id == user_id, when.held(propositions), when.valid())
        .order_by(propositions.c.recorded_at, propositions.c.id)
    )
    return propositions_from(connection, user_id, connection.execute(statement).all())


def line_of_revisions(connection: Connection, user_id: str, group: str) -> list[Proposition]:
    """Return every version of one line of thought, oldest first.

    Raises:
        NotFound: The user has no such line.
    """
    statement = (
        select(propositions)
        .where(propositions.c.user_id == user_id, propositions.c.group_id == group)
        .order_by(propositions.c.recorded_at, propositions.c.id)
    )
    rows = connection.execute(statement).all()
    if not rows:
        raise NotFound(f"There is no line of propositions {group!r}.")
    return propositions_from(connection, user_id, rows)


def one_proposition(connection: Connection, user_id: str, proposition_id: str) -> Proposition:
    """Return one version of a proposition, current or retired.

    Raises:
        NotFound: The user has none of this id.
    """
    statement = select(propositions).where(
        propositions.c.user_id == user_id, propositions.c.id == proposition_id
    )
    rows = connection.execute(statement).all()
    if not rows:
        raise NotFound(f"There is no proposition {proposition_id!r}.")
    return propositions_from(connection, user_id, rows)[0]
