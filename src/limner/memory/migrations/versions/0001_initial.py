"""The first schema."""

from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

__all__ = ("downgrade", "upgrade")

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    store = op.create_table(
        "store",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store")),
    )
    op.bulk_insert(store, [{"id": str(uuid4()), "created_at": datetime.now(UTC)}])
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=256), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_table(
        "audit_log",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("proposition_id", sa.String(length=36), nullable=True),
        sa.Column("decision", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_audit_log_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index(
        op.f("ix_audit_log_user_id_decided_at"), "audit_log", ["user_id", "decided_at"], unique=False
    )

    op.create_table(
        "observations",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=256), nullable=False),
        sa.Column("author", sa.String(length=16), nullable=False),
        sa.Column("event", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("media", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.String(length=512), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("claim_id", sa.String(length=36), nullable=True),
        sa.Column("claim_holder", sa.String(length=320), nullable=True),
        sa.Column("claim_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'claimed', 'done', 'parked')", name=op.f("ck_observations_state")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_observations_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observations")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_observations_user_id_key")),
    )
    op.create_index(
        op.f("ix_observations_user_id_occurred_at_id"),
        "observations",
        ["user_id", "occurred_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_observations_user_id_source_occurred_at_id"),
        "observations",
        ["user_id", "source", "occurred_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_observations_user_id_state_occurred_at_id"),
        "observations",
        ["user_id", "state", "occurred_at", "id"],
        unique=False,
    )

    op.create_table(
        "portraits",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("prompt_hash", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_portraits_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portraits")),
    )
    op.create_index(
        op.f("ix_portraits_user_id_kind_drawn_at"), "portraits", ["user_id", "kind", "drawn_at"], unique=False
    )

    op.create_table(
        "propositions",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reasoning", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("durability", sa.Integer(), nullable=False),
        sa.Column("standing", sa.Integer(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_because", sa.Text(), nullable=True),
        sa.Column("withheld_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withheld_because", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("prompt_hash", sa.String(length=64), nullable=True),
        sa.Column("batch_id", sa.String(length=36), nullable=True),
        sa.Column("retired_by_batch", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_propositions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_propositions")),
    )
    op.create_index(
        op.f("ix_propositions_user_id_group_id"), "propositions", ["user_id", "group_id"], unique=False
    )
    op.create_index(
        op.f("ix_propositions_user_id_retired_at_recorded_at"),
        "propositions",
        ["user_id", "retired_at", "recorded_at"],
        unique=False,
    )
    op.create_index(
        "uq_propositions_current_topic",
        "propositions",
        ["user_id", "topic"],
        unique=True,
        sqlite_where=sa.text("retired_at IS NULL AND topic IS NOT NULL"),
        postgresql_where=sa.text("retired_at IS NULL AND topic IS NOT NULL"),
    )

    op.create_table(
        "batch_members",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("batch_id", sa.String(length=36), nullable=False),
        sa.Column("observation_id", sa.String(length=36), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["observation_id"],
            ["observations.id"],
            name=op.f("fk_batch_members_observation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_batch_members_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("batch_id", "observation_id", name=op.f("pk_batch_members")),
    )
    op.create_index(
        op.f("ix_batch_members_observation_id"), "batch_members", ["observation_id"], unique=False
    )
    op.create_index(
        op.f("ix_batch_members_user_id_observation_id"),
        "batch_members",
        ["user_id", "observation_id"],
        unique=False,
    )

    op.create_table(
        "documents",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("observation_id", sa.String(length=36), nullable=True),
        sa.Column("proposition_id", sa.String(length=36), nullable=True),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'observation' AND observation_id IS NOT NULL AND proposition_id IS NULL) OR (kind = 'proposition' AND proposition_id IS NOT NULL AND observation_id IS NULL)",
            name=op.f("ck_documents_owner"),
        ),
        sa.ForeignKeyConstraint(
            ["observation_id"],
            ["observations.id"],
            name=op.f("fk_documents_observation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["proposition_id"],
            ["propositions.id"],
            name=op.f("fk_documents_proposition_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_documents_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("observation_id", name=op.f("uq_documents_observation_id")),
        sa.UniqueConstraint("proposition_id", name=op.f("uq_documents_proposition_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_documents_user_id_kind_retired_at_recorded_at_length"),
        "documents",
        ["user_id", "kind", "retired_at", "recorded_at", "length"],
        unique=False,
    )

    op.create_table(
        "evidence",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("proposition_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("observation_id", sa.String(length=36), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("polarity", sa.String(length=16), nullable=False),
        sa.CheckConstraint("polarity IN ('supports', 'contradicts')", name=op.f("ck_evidence_polarity")),
        sa.ForeignKeyConstraint(
            ["observation_id"],
            ["observations.id"],
            name=op.f("fk_evidence_observation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["proposition_id"],
            ["propositions.id"],
            name=op.f("fk_evidence_proposition_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_evidence_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("proposition_id", "position", name=op.f("pk_evidence")),
    )
    op.create_index(op.f("ix_evidence_observation_id"), "evidence", ["observation_id"], unique=False)
    op.create_index(
        op.f("ix_evidence_user_id_observation_id"), "evidence", ["user_id", "observation_id"], unique=False
    )

    op.create_table(
        "portrait_basis",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("portrait_id", sa.String(length=36), nullable=False),
        sa.Column("owner_kind", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.CheckConstraint(
            "owner_kind IN ('observation', 'proposition')", name=op.f("ck_portrait_basis_owner_kind")
        ),
        sa.ForeignKeyConstraint(
            ["portrait_id"], ["portraits.id"], name=op.f("fk_portrait_basis_portrait_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_portrait_basis_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("portrait_id", "owner_kind", "owner_id", name=op.f("pk_portrait_basis")),
    )
    op.create_index(
        op.f("ix_portrait_basis_user_id_owner_id"), "portrait_basis", ["user_id", "owner_id"], unique=False
    )

    op.create_table(
        "supersessions",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("proposition_id", sa.String(length=36), nullable=False),
        sa.Column("superseded_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposition_id"],
            ["propositions.id"],
            name=op.f("fk_supersessions_proposition_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["superseded_id"],
            ["propositions.id"],
            name=op.f("fk_supersessions_superseded_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_supersessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("proposition_id", "superseded_id", name=op.f("pk_supersessions")),
    )
    op.create_index(op.f("ix_supersessions_superseded_id"), "supersessions", ["superseded_id"], unique=False)
    op.create_index(
        op.f("ix_supersessions_user_id_superseded_id"),
        "supersessions",
        ["user_id", "superseded_id"],
        unique=False,
    )

    op.create_table(
        "outbox",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=True),
        sa.Column("encoder", sa.String(length=200), nullable=True),
        sa.Column("encoder_version", sa.String(length=100), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_id", sa.String(length=36), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("action IN ('upsert', 'rewrite')", name=op.f("ck_outbox_action")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_outbox_document_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_outbox_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_outbox_document_id"), "outbox", ["document_id"], unique=False)
    op.create_index(op.f("ix_outbox_user_id_id"), "outbox", ["user_id", "id"], unique=False)

    op.create_table(
        "terms",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("term", sa.String(length=64), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("frequency", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_terms_document_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_terms_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "term", "document_id", name=op.f("pk_terms")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_terms_document_id"), "terms", ["document_id"], unique=False)

    op.create_table(
        "vectors",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("encoder", sa.String(length=200), nullable=False),
        sa.Column("encoder_version", sa.String(length=100), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_vectors_document_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_vectors_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("document_id", "encoder", "encoder_version", name=op.f("pk_vectors")),
    )
    op.create_index(
        op.f("ix_vectors_user_id_encoder_encoder_version_document_id"),
        "vectors",
        ["user_id", "encoder", "encoder_version", "document_id"],
        unique=False,
    )


def downgrade() -> None:
    raise NotImplementedError("There is no schema before the first one.")
