"""The tables, portable between SQLite and PostgreSQL.

SQL is the truth; everything else (the vector index, the lexical statistics) can be made from these tables.
`user_id` is the first column of every key that a query uses, so what one user stores is never even read for
another. Deleting a row deletes what was made from it, by foreign keys, so that erasure cannot forget a table.
"""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from limner.memory.columns import UTCDateTime, metadata, of_user
from limner.memory.schema_rights import (
    checkpoint_writes,
    checkpoints,
    erasures,
    rederivations,
    stray_indexes,
    tombstones,
    verdicts,
)
from limner.memory.schema_sources import consents, merges, sources
from limner.memory.schema_suggestions import suggestion_basis, suggestions

__all__ = (
    "SCHEMA_VERSION",
    "UTCDateTime",
    "audit_log",
    "batch_members",
    "checkpoint_writes",
    "checkpoints",
    "consents",
    "documents",
    "erasures",
    "evidence",
    "merges",
    "metadata",
    "observations",
    "outbox",
    "portrait_basis",
    "portraits",
    "propositions",
    "rederivations",
    "sources",
    "store",
    "stray_indexes",
    "suggestion_basis",
    "suggestions",
    "supersessions",
    "terms",
    "tombstones",
    "users",
    "vectors",
    "verdicts",
)

SCHEMA_VERSION = "0003"
"""The newest revision in `migrations/versions`; a database of this version opens without loading Alembic."""


store = Table(
    "store",
    metadata,
    # Tells this store's collections from another's on one Chroma server.
    Column("id", String(36), primary_key=True),
    Column("created_at", UTCDateTime, nullable=False),
    # When retention periods were last seen to, by any process.
    Column("retained_at", UTCDateTime),
    # The encoder that all vectors are to be of, where it is not the first one, and since when.
    Column("encoder", String(200)),
    Column("encoder_version", String(100)),
    Column("encoder_since", UTCDateTime),
)

users = Table(
    "users",
    metadata,
    Column("id", String(256), primary_key=True),
    Column("created_at", UTCDateTime, nullable=False),
    # What search keeps in memory of a user follows these (see `counters`): `version` counts every change of what can
    # be found; `epoch` becomes another number when something is taken away, after which all of it is read anew.
    Column("version", Integer, nullable=False, server_default=text("0")),
    Column("epoch", Integer, nullable=False, server_default=text("0")),
    # Seeds the rotation under which the user's vectors lie in the index; an erasure throws it away.
    Column("index_key", String(64)),
    # Since when nothing is recorded; none while recording goes on.
    Column("paused_at", UTCDateTime),
)

observations = Table(
    "observations",
    metadata,
    of_user(),
    Column("id", String(36), primary_key=True),
    Column("text", Text, nullable=False),
    Column("source", String(256), nullable=False),
    Column("author", String(16), nullable=False),
    Column("event", JSON(none_as_null=True)),
    Column("media", JSON(none_as_null=True)),
    Column("occurred_at", UTCDateTime, nullable=False),
    # In seconds east of UTC: where the user was, it may have been the day before.
    Column("utc_offset", Integer, nullable=False, server_default=text("0")),
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("key", String(512)),
    Column("session", String(256)),
    Column("origin", String(256)),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", UTCDateTime),
    Column("last_error", Text),
    Column("claim_id", String(36)),
    Column("claim_holder", String(320)),
    Column("claim_expires_at", UTCDateTime),
    UniqueConstraint("user_id", "key"),
    CheckConstraint("state IN ('pending', 'claimed', 'done', 'parked')", name="state"),
    Index(None, "user_id", "state", "occurred_at", "id"),
    Index(None, "user_id", "occurred_at", "id"),
    Index(None, "user_id", "source", "occurred_at", "id"),
    # Finding who waits must not go through all that was ever observed.
    Index(
        "ix_observations_waiting",
        "user_id",
        sqlite_where=text("state IN ('pending', 'claimed')"),
        postgresql_where=text("state IN ('pending', 'claimed')"),
    ),
)

propositions = Table(
    "propositions",
    metadata,
    of_user(),
    Column("id", String(36), primary_key=True),
    Column("group_id", String(36), nullable=False),
    Column("text", Text, nullable=False),
    Column("reasoning", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("durability", Integer, nullable=False),
    Column("standing", Integer, nullable=False),
    Column("topic", Text),
    Column("valid_from", UTCDateTime),
    Column("valid_until", UTCDateTime),
    Column("observed_at", UTCDateTime),
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("retired_at", UTCDateTime),
    Column("retired_because", Text),
    # Not told to anyone until it has been derived anew; erasure sets it where it cannot delete at once.
    Column("withheld_at", UTCDateTime),
    Column("withheld_because", Text),
    Column("model", Text),
    Column("prompt_hash", String(64)),
    # The claims under which it was written and retired: what the model may have seen (see batch_members).
    Column("batch_id", String(36)),
    Column("retired_by_batch", String(36)),
    Column("pinned_at", UTCDateTime),
    # Since when the user says that it is not so: no later inference may bring it back.
    Column("denied_at", UTCDateTime),
    Index(None, "user_id", "retired_at", "recorded_at"),
    Index(None, "user_id", "group_id"),
    # Of a computed finding one version is held at a time, whoever computes it.
    Index(
        "uq_propositions_current_topic",
        "user_id",
        "topic",
        unique=True,
        sqlite_where=text("retired_at IS NULL AND topic IS NOT NULL"),
        postgresql_where=text("retired_at IS NULL AND topic IS NOT NULL"),
    ),
)

evidence = Table(
    "evidence",
    metadata,
    of_user(),
    Column("proposition_id", String(36), ForeignKey("propositions.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("observation_id", String(36), ForeignKey("observations.id", ondelete="CASCADE"), nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("quote", Text, nullable=False),
    Column("polarity", String(16), nullable=False),
    # Where the quote stands: in the observation's text, or in the description of its image.
    Column("part", String(16), nullable=False, server_default=text("'text'")),
    CheckConstraint("polarity IN ('supports', 'contradicts')", name="polarity"),
    CheckConstraint("part IN ('text', 'image')", name="part"),
    Index(None, "user_id", "observation_id"),
    Index(None, "observation_id"),
)

supersessions = Table(
    "supersessions",
    metadata,
    of_user(),
    Column("proposition_id", String(36), ForeignKey("propositions.id", ondelete="CASCADE"), primary_key=True),
    Column("superseded_id", String(36), ForeignKey("propositions.id", ondelete="CASCADE"), primary_key=True),
    Index(None, "user_id", "superseded_id"),
    Index(None, "superseded_id"),
)

batch_members = Table(
    "batch_members",
    metadata,
    of_user(),
    Column("batch_id", String(36), primary_key=True),
    Column("observation_id", String(36), ForeignKey("observations.id", ondelete="CASCADE"), primary_key=True),
    Column("applied_at", UTCDateTime, nullable=False),
    Index(None, "user_id", "observation_id"),
    Index(None, "observation_id"),
)

portraits = Table(
    "portraits",
    metadata,
    of_user(),
    Column("id", String(36), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("task", Text),
    Column("lines", JSON, nullable=False),
    Column("drawn_at", UTCDateTime, nullable=False),
    Column("model", Text),
    Column("prompt_hash", String(64)),
    Index(None, "user_id", "kind", "drawn_at"),
)

portrait_basis = Table(
    "portrait_basis",
    metadata,
    of_user(),
    Column("portrait_id", String(36), ForeignKey("portraits.id", ondelete="CASCADE"), primary_key=True),
    Column("owner_kind", String(16), primary_key=True),
    Column("owner_id", String(36), primary_key=True),
    CheckConstraint("owner_kind IN ('observation', 'proposition')", name="owner_kind"),
    Index(None, "user_id", "owner_id"),
)

documents = Table(
    "documents",
    metadata,
    of_user(),
    # With autoincrement a deleted row's number is never given to another: the index may still know the old one.
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("observation_id", String(36), ForeignKey("observations.id", ondelete="CASCADE"), unique=True),
    Column("proposition_id", String(36), ForeignKey("propositions.id", ondelete="CASCADE"), unique=True),
    Column("length", Integer, nullable=False),
    # Copied from the owner, so that one narrow index answers "which rows were known at that time".
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("retired_at", UTCDateTime),
    # The version of the user at which it was added or became another: a copy in memory reads on from there.
    Column("changed", Integer, nullable=False, server_default=text("0")),
    CheckConstraint(
        "(kind = 'observation' AND observation_id IS NOT NULL AND proposition_id IS NULL)"
        " OR (kind = 'proposition' AND proposition_id IS NOT NULL AND observation_id IS NULL)",
        name="owner",
    ),
    Index(None, "user_id", "kind", "retired_at", "recorded_at", "length"),
    Index(None, "user_id", "changed"),
    sqlite_autoincrement=True,
)

terms = Table(
    "terms",
    metadata,
    Column("user_id", String(256), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("term", String(64), primary_key=True),
    Column("document_id", Integer, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("frequency", Integer, nullable=False),
    Index(None, "document_id"),
    sqlite_with_rowid=False,
)

vectors = Table(
    "vectors",
    metadata,
    of_user(),
    Column("document_id", Integer, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("encoder", String(200), primary_key=True),
    Column("encoder_version", String(100), primary_key=True),
    Column("dimension", Integer, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    Index(None, "user_id", "encoder", "encoder_version", "document_id"),
)

outbox = Table(
    "outbox",
    metadata,
    of_user(),
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("action", String(16), nullable=False),
    Column("document_id", Integer, ForeignKey("documents.id", ondelete="CASCADE")),
    Column("encoder", String(200)),
    Column("encoder_version", String(100)),
    Column("created_at", UTCDateTime, nullable=False),
    Column("lease_id", String(36)),
    Column("lease_holder", String(320)),
    Column("lease_expires_at", UTCDateTime),
    CheckConstraint("action IN ('upsert', 'rewrite')", name="action"),
    Index(None, "user_id", "id"),
    Index(None, "document_id"),
    sqlite_autoincrement=True,
)

audit_log = Table(
    "audit_log",
    metadata,
    of_user(),
    Column("id", String(36), primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    # No foreign key: that a decision was taken stays on record when the proposition is erased.
    Column("proposition_id", String(36)),
    Column("decision", String(32), nullable=False),
    Column("reason", Text),
    Column("decided_at", UTCDateTime, nullable=False),
    Index(None, "user_id", "decided_at"),
)
