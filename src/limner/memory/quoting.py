"""What of an observation can be quoted as evidence, and whether a quote stands there."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, select

from limner.memory.rows import chunked
from limner.memory.schema import observations

__all__ = ("Quotable", "quotable")


class Quotable(NamedTuple):
    """The texts of an observation."""

    author: str
    text: str
    image: str
    """What a model saw in its image; empty where there is none or nobody has looked."""

    def has(self, quote: str, start: int, end: int, part: str) -> bool:
        """Return whether a quote is not empty and stands at this place of this part."""
        whole = self.image if part == "image" else self.text
        return bool(quote.strip()) and whole[start:end] == quote


def quotable(connection: Connection, user_id: str, ids: Iterable[str]) -> dict[str, Quotable]:
    """Return what can be quoted of those of these observations that are there, by id."""
    found: dict[str, Quotable] = {}
    o = observations.c
    for chunk in chunked(sorted(set(ids))):
        statement = select(o.id, o.author, o.text, o.media).where(o.user_id == user_id, o.id.in_(chunk))
        for row in connection.execute(statement):
            found[row.id] = Quotable(row.author, row.text, (row.media or {}).get("description") or "")
    return found
