"""What lines of a section name: it has to be there, and to be the same user's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, Table, select, tuple_

from limner.errors import InputError
from limner.memory.quoting import Quotable, quotable
from limner.memory.rows import chunked
from limner.memory.schema import checkpoints, evidence

__all__ = ("References", "Refusal")

Refusal: TypeAlias = Callable[[int, str, str], InputError]
"""Makes the error for a line, a field of it (or none), and what is wrong there."""
_SPAN = ("observation_id", "start", "end", "quote", "polarity", "part")


class References:
    """Checks what lines name against what is stored by then.

    Args:
        connection: An open connection.
        user_id: Whose lines.
        refuse: Makes the error that is raised for a line.
    """

    def __init__(self, connection: Connection, user_id: str, refuse: Refusal) -> None:
        self._connection = connection
        self._user_id = user_id
        self._refuse = refuse

    def check(self, table: Table, named: Sequence[tuple[int, str | None]], field: str) -> None:
        """Make sure that the user has rows of these ids; none names nothing.

        Raises:
            InputError: One is not there, or is another user's.
        """
        there: set[str] = set()
        for chunk in chunked(sorted({id for _, id in named if id is not None})):
            statement = select(table.c.id).where(table.c.user_id == self._user_id, table.c.id.in_(chunk))
            there.update(self._connection.execute(statement).scalars())
        for number, id in named:
            if id is not None and id not in there:
                raise self._refuse(number, field, f"names {id}, which is not there")

    def check_checkpoints(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Make sure that the checkpoints are there to which these writes belong.

        Raises:
            InputError: One is not.
        """
        c = checkpoints.c
        places = {number: (row["thread_id"], row["namespace"], row["checkpoint_id"]) for number, row in rows}
        statement = select(c.thread_id, c.namespace, c.id).where(
            c.user_id == self._user_id, tuple_(c.thread_id, c.namespace, c.id).in_(sorted({*places.values()}))
        )
        there = {tuple(row) for row in self._connection.execute(statement)}
        for number, place in places.items():
            if place not in there:
                raise self._refuse(number, "checkpoint_id", "names a checkpoint that is not there")

    def check_quotes(self, spans: Mapping[int, Sequence[Mapping[str, Any]]]) -> None:
        """Make sure that propositions rest on quotes that stand in what the user said or did.

        Args:
            spans: The evidence of each line.

        Raises:
            InputError: Something is no evidence.
        """
        cited = {span["observation_id"] for evidence_of in spans.values() for span in evidence_of}
        texts = quotable(self._connection, self._user_id, cited)
        for number, evidence_of in spans.items():
            if not any(span["polarity"] == "supports" for span in evidence_of):
                raise self._refuse(number, "evidence", "has nothing that supports the proposition")
            for span in evidence_of:
                if (wrong := _wrong_with(span, texts)) is not None:
                    raise self._refuse(number, "evidence", wrong)

    def check_same(self, number: int, proposition_id: str, spans: Sequence[Mapping[str, Any]]) -> None:
        """Make sure that a stored proposition rests on this evidence.

        Raises:
            InputError: It rests on other evidence.
        """
        mine = (evidence.c.user_id == self._user_id, evidence.c.proposition_id == proposition_id)
        statement = select(*(evidence.c[name] for name in _SPAN)).where(*mine)
        found = self._connection.execute(statement.order_by(evidence.c.position))
        if [tuple(row) for row in found] != [tuple(span[name] for name in _SPAN) for span in spans]:
            raise self._refuse(number, "evidence", "is not what is stored under the same id")


def _wrong_with(span: Mapping[str, Any], texts: Mapping[str, Quotable]) -> str | None:
    if span["observation_id"] not in texts:
        return f"names {span['observation_id']}, which is not there"
    said = texts[span["observation_id"]]
    if said.author == "assistant":
        return "rests on what limner itself said, which tells nothing about the user"
    if not said.has(span["quote"], span["start"], span["end"], span["part"]):
        return "has a quote that does not stand there"
    return None
