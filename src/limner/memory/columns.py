"""What every table has in common: names of constraints, moments, and whose a row is."""

from datetime import UTC, datetime

from sqlalchemy import Column, DateTime, Dialect, ForeignKey, MetaData, String, TypeDecorator

__all__ = ("UTCDateTime", "metadata", "of_user")


class UTCDateTime(TypeDecorator[datetime]):
    """A timezone-aware moment; stored as UTC, and read back aware, also where the database has no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware datetime into UTC; SQLite gets it naive, so that its text sorts by time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A datetime without a time zone cannot be stored.")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the moment its time zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def of_user() -> Column[str]:
    """Return the column that says whose a row is."""
    return Column("user_id", String(256), ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
