"""Everything stored of a user, as plain data."""

from collections.abc import Iterator, Sequence

from limner.memory.audit import list_audit
from limner.memory.database import Database
from limner.memory.observations import list_observations
from limner.memory.portraits import list_portraits
from limner.memory.propositions import all_propositions
from limner.memory.records import Record

__all__ = ("export",)


def export(database: Database, user_id: str) -> Iterator[dict[str, object]]:
    """Yield every record of the user as JSON-able data, each with its `record` kind, from one state.

    Observations come first, then propositions in all versions with their evidence, portraits, and the log of
    what was told to whom; each kind in order of time. Vectors and index terms are derived, and left out.
    """
    with database.read() as connection:
        kinds: dict[str, Sequence[Record]] = {
            "observation": list_observations(connection, user_id),
            "proposition": all_propositions(connection, user_id),
            "portrait": list_portraits(connection, user_id),
            "audit": list_audit(connection, user_id),
        }
    for kind, records in kinds.items():
        for record in records:
            yield {"record": kind, **record.model_dump(mode="json")}
