"""The bytes by which rows that are to go would be known in SQLite's file.

`secure_delete` overwrites a deleted row where it stood last. But when SQLite moves rows between pages it leaves a copy
in the space that becomes free (seen after one in thirty erasures), and of that copy it knows nothing.
"""

from collections.abc import Collection

from sqlalchemy import Connection, or_, select

from limner.memory.rows import chunked
from limner.memory.schema import documents, propositions, vectors

__all__ = ("imprints_of",)

_SHORTEST = 16
"""Characters of a text below which another row may well have the same."""


def imprints_of(
    connection: Connection,
    user_id: str,
    observed: Collection[str],
    versions: Collection[str],
    words: Collection[str],
) -> set[bytes]:
    """Return what stands in the rows of observations and proposition versions, and in no row that stays.

    Args:
        connection: An open connection.
        user_id: Whose rows.
        observed: Ids of the observations.
        versions: Ids of the versions; what was told of one stays on record by its id, so that is none.
        words: Index terms that only these have.
    """
    found = {id.encode() for id in observed} | {f"{user_id}{word}".encode() for word in words}
    for chunk in chunked(sorted(versions)):
        texts = select(propositions.c.text).where(
            propositions.c.user_id == user_id, propositions.c.id.in_(chunk)
        )
        found |= {t.encode() for t in connection.execute(texts).scalars() if len(t) >= _SHORTEST}
    for chunk in chunked(sorted({*observed, *versions})):
        vector = (
            select(vectors.c.vector)
            .join(documents, vectors.c.document_id == documents.c.id)
            .where(
                documents.c.user_id == user_id,
                or_(documents.c.observation_id.in_(chunk), documents.c.proposition_id.in_(chunk)),
            )
        )
        found |= set(connection.execute(vector).scalars())
    return found
