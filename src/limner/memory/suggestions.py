"""Keeping what was suggested to the user, and what they made of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from limner.errors import InputError, NotFound, RecordingRefused, StaleClaim
from limner.memory.documents import add_document
from limner.memory.intake import observation_of
from limner.memory.receipts import erased_since
from limner.memory.records import NewObservation, Observation, Suggestion, SuggestionState, utc_now
from limner.memory.rows import chunked, ensure_user, observation_row
from limner.memory.schema import observations, propositions, suggestion_basis, suggestions
from limner.memory.sources import check_recording

__all__ = ("SOURCE", "decide", "list_suggestions", "mark_shown", "one_suggestion", "store_suggestions")

SOURCE = "suggestions"
"""Source of the observations that say what the user made of a suggestion."""

_SAID: Mapping[str, str] = {
    "accepted": "Took up the suggestion: {}",
    "dismissed": "Turned down the suggestion: {}",
}


def store_suggestions(
    connection: Connection, user_id: str, new: Sequence[Suggestion], after: int | None = None
) -> None:
    """Store suggestions with what they rest on.

    Args:
        connection: In a write transaction.
        user_id: Whose.
        new: The suggestions.
        after: How many there were when these were thought of; none does not mind others made meanwhile.

    Raises:
        InputError: One is of another user, or rests on nothing.
        StaleClaim: Something was erased or suggested since one was begun, or what one rests on is not held any more.
    """
    ensure_user(connection, user_id)
    if after is not None and _count(connection, user_id) != after:
        raise StaleClaim("Something else was suggested meanwhile; ask again later.")
    for one in new:
        if one.user_id != user_id:
            raise InputError("This suggestion is for another user.")
        if not one.propositions:
            raise InputError("This suggestion rests on no proposition; one that cites nothing is not made.")
        if erased_since(connection, user_id, one.made_at) or not _held(connection, user_id, one):
            raise StaleClaim("What this suggestion was made from is not held any more; ask for another.")
        connection.execute(insert(suggestions).values(one.model_dump(exclude={"propositions"})))
        basis = {"user_id": user_id, "suggestion_id": one.id}
        connection.execute(
            insert(suggestion_basis),
            [{**basis, "proposition_id": proposition} for proposition in dict.fromkeys(one.propositions)],
        )


def list_suggestions(connection: Connection, user_id: str) -> list[Suggestion]:
    """Return everything that was suggested, oldest first."""
    mine = select(suggestions).where(suggestions.c.user_id == user_id)
    rows = connection.execute(mine.order_by(suggestions.c.made_at, suggestions.c.id)).mappings().all()
    basis: dict[str, list[str]] = {row["id"]: [] for row in rows}
    for chunk in chunked(basis):
        statement = select(suggestion_basis.c.suggestion_id, suggestion_basis.c.proposition_id).where(
            suggestion_basis.c.user_id == user_id, suggestion_basis.c.suggestion_id.in_(chunk)
        )
        for suggestion, proposition in connection.execute(statement.order_by(*statement.selected_columns)):
            basis[suggestion].append(proposition)
    return [Suggestion(**row, propositions=tuple(basis[row["id"]])) for row in rows]


def one_suggestion(connection: Connection, user_id: str, id: str) -> Suggestion:
    """Return a suggestion.

    Raises:
        NotFound: The user has none of this id.
    """
    for one in list_suggestions(connection, user_id):
        if one.id == id:
            return one
    raise NotFound(f"There is no suggestion {id!r}.")


def mark_shown(connection: Connection, user_id: str, id: str) -> Suggestion:
    """Note that a suggestion was before the user's eyes; what is decided stays so.

    Raises:
        NotFound: The user has none of this id.
    """
    mine = (suggestions.c.user_id == user_id, suggestions.c.id == id)
    offered = suggestions.c.state == "offered"
    connection.execute(update(suggestions).where(*mine, offered).values(state="shown"))
    return one_suggestion(connection, user_id, id)


def decide(
    connection: Connection, user_id: str, id: str, state: SuggestionState, max_chars: int
) -> Suggestion:
    """Note what the user made of a suggestion; it counts as an observation where these may be recorded.

    Args:
        connection: In a write transaction, with the user locked.
        user_id: Whose.
        id: Which suggestion.
        state: `accepted` or `dismissed`; the same again changes nothing.
        max_chars: Longest text of an observation.

    Raises:
        NotFound: The user has none of this id.
        InputError: The other was decided already.
    """
    one = one_suggestion(connection, user_id, id)
    if one.state == state:
        return one
    if one.decided_at is not None:
        raise InputError(f"Suggestion {id} was {one.state} already; that stays so.")
    try:
        check_recording(connection, user_id, {SOURCE})
        said = _observe(connection, user_id, _SAID[state].format(one.text), max_chars)
    except RecordingRefused:
        said = None
    decided: dict[str, Any] = {
        "state": state,
        "decided_at": utc_now(),
        "observation_id": None if said is None else said.id,
    }
    mine = (suggestions.c.user_id == user_id, suggestions.c.id == id)
    connection.execute(update(suggestions).where(*mine).values(decided))
    return one.model_copy(update=decided)


def _observe(connection: Connection, user_id: str, text: str, max_chars: int) -> Observation:
    said = observation_of(user_id, NewObservation(text, SOURCE), max_chars=max(max_chars, len(text)))
    # No reflection reads it: most of its words are a model's, which would become evidence of what it had guessed.
    row = {**observation_row(said), "state": "done", "attempts": 0}
    connection.execute(insert(observations).values(row))
    add_document(connection, said)
    return said


def _count(connection: Connection, user_id: str) -> int:
    statement = select(func.count()).select_from(suggestions).where(suggestions.c.user_id == user_id)
    return connection.execute(statement).scalar_one()


def _held(connection: Connection, user_id: str, one: Suggestion) -> bool:
    c = propositions.c
    held = select(c.id).where(
        c.user_id == user_id, c.id.in_(one.propositions), c.retired_at.is_(None), c.withheld_at.is_(None)
    )
    return set(connection.execute(held).scalars()) == set(one.propositions)
