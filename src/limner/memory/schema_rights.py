"""Tables of what the user may demand: verdicts on what is held, erasures and their receipts; and conversations."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from limner.memory.columns import UTCDateTime, metadata, of_user

__all__ = (
    "checkpoint_writes",
    "checkpoints",
    "erasures",
    "rederivations",
    "stray_indexes",
    "tombstones",
    "verdicts",
)

# What the user said about propositions: each is an observation of its own.
verdicts = Table(
    "verdicts",
    metadata,
    of_user(),
    Column("observation_id", String(36), ForeignKey("observations.id", ondelete="CASCADE"), primary_key=True),
    Column("proposition_id", String(36), ForeignKey("propositions.id", ondelete="SET NULL")),
    Column("kind", String(16), nullable=False),
    CheckConstraint("kind IN ('confirm', 'correct', 'deny', 'pin', 'unpin')", name="kind"),
    Index(None, "user_id", "proposition_id"),
    Index(None, "proposition_id"),
)

# Receipts of erasures: counts, and nothing of the content.
erasures = Table(
    "erasures",
    metadata,
    of_user(),
    Column("id", String(36), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("erased_at", UTCDateTime, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("remnants", JSON, nullable=False),
    Index(None, "user_id", "erased_at"),
)

# The observations from which an erasure had what it withheld derived again.
rederivations = Table(
    "rederivations",
    metadata,
    of_user(),
    Column("erasure_id", String(36), ForeignKey("erasures.id", ondelete="CASCADE"), primary_key=True),
    Column("observation_id", String(36), ForeignKey("observations.id", ondelete="CASCADE"), primary_key=True),
    Index(None, "observation_id"),
)

# Vector collections of users who are forgotten altogether, by a hash of their id, that could not be removed yet.
stray_indexes = Table(
    "stray_indexes",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("created_at", UTCDateTime, nullable=False),
)

# What was forgotten, by a hash of its id: a backup from before must not bring it back.
tombstones = Table(
    "tombstones",
    metadata,
    Column("digest", String(32), primary_key=True),
    Column("erased_at", UTCDateTime, nullable=False),
    sqlite_with_rowid=False,
)

# The state of conversations, as LangGraph keeps it.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("user_id", String(256), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("thread_id", String(256), primary_key=True),
    Column("namespace", String(512), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("parent_id", String(64)),
    Column("run_id", String(64)),
    Column("type", String(32), nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("metadata_type", String(32), nullable=False),
    Column("metadata", LargeBinary, nullable=False),
    Column("recorded_at", UTCDateTime, nullable=False),
    Index(None, "user_id", "recorded_at"),
)

checkpoint_writes = Table(
    "checkpoint_writes",
    metadata,
    Column("user_id", String(256), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("thread_id", String(256), primary_key=True),
    Column("namespace", String(512), primary_key=True),
    Column("checkpoint_id", String(64), primary_key=True),
    Column("task_id", String(128), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("task_path", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("type", String(32), nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("recorded_at", UTCDateTime, nullable=False),
    ForeignKeyConstraint(
        ["user_id", "thread_id", "namespace", "checkpoint_id"],
        ["checkpoints.user_id", "checkpoints.thread_id", "checkpoints.namespace", "checkpoints.id"],
        ondelete="CASCADE",
        name="fk_checkpoint_writes_checkpoint",
    ),
)
