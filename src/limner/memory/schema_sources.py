"""Tables of what is settled about recording: sources, consents, and which ids have become one."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from limner.memory.columns import UTCDateTime, metadata, of_user

__all__ = ("consents", "merges", "sources")

# What is settled about one source of one user; most sources need no row.
sources = Table(
    "sources",
    metadata,
    Column("user_id", String(256), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("source", String(256), primary_key=True),
    Column("paused_at", UTCDateTime),
    # Days after which its observations are erased; 0 keeps them, none leaves it to the settings.
    Column("retain_days", Integer),
    CheckConstraint("retain_days >= 0", name="retain_days"),
)

# The log of consents; the newest entry of a source is the one that counts.
consents = Table(
    "consents",
    metadata,
    of_user(),
    Column("id", String(36), primary_key=True),
    Column("source", String(256), nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("basis", Text, nullable=False),
    Column("decided_at", UTCDateTime, nullable=False),
    Index(None, "user_id", "source", "decided_at"),
)

# Which other ids have become this user; `observations.origin` says it of each observation.
merges = Table(
    "merges",
    metadata,
    of_user(),
    Column("id", String(36), primary_key=True),
    Column("merged_id", String(256), nullable=False),
    Column("merged_at", UTCDateTime, nullable=False),
    Index(None, "user_id", "merged_at"),
)
