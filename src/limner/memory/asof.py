"""Two axes of time: when a thing was so in the user's world, and when limner held it to be so."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, or_

from limner.memory.intake import check_zone
from limner.memory.records import utc_now
from limner.memory.schema import propositions

__all__ = ("NOW", "AsOf", "as_of", "held_in")


@dataclass(frozen=True, slots=True)
class AsOf:
    """The moment that a question is about, and the moment whose knowledge answers it."""

    at: datetime | None = None
    """In the user's world; none: what is not over, and that may still be to come."""
    known_at: datetime | None = None
    """In limner's time; none: all that is known now."""

    @property
    def moment(self) -> datetime:
        """The moment from which one looks."""
        return self.at or self.known_at or utc_now()

    def held(self, table: Table) -> ColumnElement[bool]:
        """Return the condition that a row was known, and not yet retired."""
        return held_in(table, self.known_at)

    def valid(self) -> ColumnElement[bool]:
        """Return the condition that a proposition is so."""
        c = propositions.c
        lasts = or_(c.valid_until.is_(None), c.valid_until > self.moment)
        if self.at is None:
            return lasts
        return and_(lasts, or_(c.valid_from.is_(None), c.valid_from <= self.at))


NOW = AsOf()


def as_of(at: datetime | None, known_at: datetime | None) -> AsOf:
    """Return both moments, checked.

    Raises:
        InputError: One has no time zone.
    """
    return AsOf(check_zone(at, "at"), check_zone(known_at, "known_at"))


def held_in(table: Table, known_at: datetime | None) -> ColumnElement[bool]:
    """Return the condition that a row of `table` was known, and not yet retired, at a moment in limner's time (none: now)."""
    if known_at is None:
        return table.c.retired_at.is_(None)
    return and_(
        table.c.recorded_at <= known_at, or_(table.c.retired_at.is_(None), table.c.retired_at > known_at)
    )
