"""Sessions and origins of observations, and counters that a search in memory follows."""

import sqlalchemy as sa
from alembic import op

__all__ = ("downgrade", "upgrade")

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# PostgreSQL would copy common values of these into its statistics, where an erasure does not reach them.
_CONTENT = {
    "audit_log": ("recipient", "purpose", "reason"),
    "checkpoint_writes": ("thread_id", "channel", "value"),
    "checkpoints": ("thread_id", "metadata", "state"),
    "consents": ("source", "basis"),
    "evidence": ("quote",),
    "merges": ("merged_id",),
    "observations": ("text", "source", "key", "session", "origin", "event", "media", "last_error"),
    "portraits": ("task", "lines"),
    "propositions": ("text", "reasoning", "topic", "retired_because", "withheld_because"),
    "sources": ("source",),
    "terms": ("term",),
    "vectors": ("vector",),
}


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("0")))
        users.add_column(sa.Column("epoch", sa.Integer(), nullable=False, server_default=sa.text("0")))
    with op.batch_alter_table("observations") as observations:
        observations.add_column(sa.Column("session", sa.String(length=256), nullable=True))
        observations.add_column(sa.Column("origin", sa.String(length=256), nullable=True))
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("lease_holder", sa.String(length=320), nullable=True))
    with op.batch_alter_table("documents") as documents:
        documents.add_column(sa.Column("changed", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.create_index(op.f("ix_documents_user_id_changed"), "documents", ["user_id", "changed"])
    _times()
    _sources()
    _rights()
    _encoder()


def _encoder() -> None:
    """Which encoder all vectors are to be of."""
    with op.batch_alter_table("store") as store:
        store.add_column(sa.Column("encoder", sa.String(length=200), nullable=True))
        store.add_column(sa.Column("encoder_version", sa.String(length=100), nullable=True))
        store.add_column(sa.Column("encoder_since", sa.DateTime(timezone=True), nullable=True))


def _times() -> None:
    """Where the user's day begins, and when a statement was last heard of."""
    with op.batch_alter_table("observations") as observations:
        observations.add_column(
            sa.Column("utc_offset", sa.Integer(), nullable=False, server_default=sa.text("0"))
        )
    with op.batch_alter_table("propositions") as propositions:
        propositions.add_column(sa.Column("observed_at", sa.DateTime(timezone=True), nullable=True))
    # Version 0001 kept the time of the latest evidence there.
    op.execute("UPDATE propositions SET observed_at = valid_from")


def _sources() -> None:
    """Pauses, consents and retention periods, and who has become whom."""
    with op.batch_alter_table("store") as store:
        store.add_column(sa.Column("retained_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("users") as users:
        users.add_column(sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))

    def of_user(table: str) -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
        )

    op.create_table(
        "sources",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("source", sa.String(length=256), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retain_days", sa.Integer(), nullable=True),
        sa.CheckConstraint("retain_days >= 0", name=op.f("ck_sources_retain_days")),
        of_user("sources"),
        sa.PrimaryKeyConstraint("user_id", "source", name=op.f("pk_sources")),
    )
    op.create_table(
        "consents",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=256), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        of_user("consents"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(
        op.f("ix_consents_user_id_source_decided_at"), "consents", ["user_id", "source", "decided_at"]
    )
    op.create_table(
        "merges",
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("merged_id", sa.String(length=256), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        of_user("merges"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
    )
    op.create_index(op.f("ix_merges_user_id_merged_at"), "merges", ["user_id", "merged_at"])


def _rights() -> None:
    """What erasures and the user's verdicts leave behind, and the state of conversations."""
    with op.batch_alter_table("users") as users:
        users.add_column(sa.Column("index_key", sa.String(length=64), nullable=True))
    with op.batch_alter_table("propositions") as propositions:
        propositions.add_column(sa.Column("pinned_at", sa.DateTime(timezone=True), nullable=True))
        propositions.add_column(sa.Column("denied_at", sa.DateTime(timezone=True), nullable=True))

    def user() -> sa.Column[str]:
        return sa.Column("user_id", sa.String(length=256), nullable=False)

    def of_user(table: str) -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
        )

    op.create_table(
        "verdicts",
        user(),
        sa.Column("observation_id", sa.String(length=36), nullable=False),
        sa.Column("proposition_id", sa.String(length=36), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.CheckConstraint(
            "kind IN ('confirm', 'correct', 'deny', 'pin', 'unpin')", name=op.f("ck_verdicts_kind")
        ),
        of_user("verdicts"),
        sa.ForeignKeyConstraint(
            ["observation_id"],
            ["observations.id"],
            name=op.f("fk_verdicts_observation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["proposition_id"],
            ["propositions.id"],
            name=op.f("fk_verdicts_proposition_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("observation_id", name=op.f("pk_verdicts")),
    )
    op.create_index(op.f("ix_verdicts_user_id_proposition_id"), "verdicts", ["user_id", "proposition_id"])
    op.create_index(op.f("ix_verdicts_proposition_id"), "verdicts", ["proposition_id"])
    op.create_table(
        "erasures",
        user(),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("remnants", sa.JSON(), nullable=False),
        of_user("erasures"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_user_id_erased_at"), "erasures", ["user_id", "erased_at"])
    op.create_table(
        "rederivations",
        user(),
        sa.Column("erasure_id", sa.String(length=36), nullable=False),
        sa.Column("observation_id", sa.String(length=36), nullable=False),
        of_user("rederivations"),
        sa.ForeignKeyConstraint(
            ["erasure_id"], ["erasures.id"], name=op.f("fk_rederivations_erasure_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["observation_id"],
            ["observations.id"],
            name=op.f("fk_rederivations_observation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("erasure_id", "observation_id", name=op.f("pk_rederivations")),
    )
    op.create_index(op.f("ix_rederivations_observation_id"), "rederivations", ["observation_id"])
    op.create_table(
        "stray_indexes",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_stray_indexes")),
    )
    op.create_table(
        "tombstones",
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tombstones")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checkpoints",
        user(),
        sa.Column("thread_id", sa.String(length=256), nullable=False),
        sa.Column("namespace", sa.String(length=512), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("parent_id", sa.String(length=64), nullable=True),
        sa.Column("run_id", sa.String(length=64), nullable=True),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("metadata_type", sa.String(length=32), nullable=False),
        sa.Column("metadata", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        of_user("checkpoints"),
        sa.PrimaryKeyConstraint("user_id", "thread_id", "namespace", "id", name=op.f("pk_checkpoints")),
    )
    op.create_index(op.f("ix_checkpoints_user_id_recorded_at"), "checkpoints", ["user_id", "recorded_at"])
    op.create_table(
        "checkpoint_writes",
        user(),
        sa.Column("thread_id", sa.String(length=256), nullable=False),
        sa.Column("namespace", sa.String(length=512), nullable=False),
        sa.Column("checkpoint_id", sa.String(length=64), nullable=False),
        sa.Column("task_id", sa.String(length=128), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("task_path", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        of_user("checkpoint_writes"),
        sa.ForeignKeyConstraint(
            ["user_id", "thread_id", "namespace", "checkpoint_id"],
            ["checkpoints.user_id", "checkpoints.thread_id", "checkpoints.namespace", "checkpoints.id"],
            name=op.f("fk_checkpoint_writes_checkpoint"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "user_id",
            "thread_id",
            "namespace",
            "checkpoint_id",
            "task_id",
            "position",
            name=op.f("pk_checkpoint_writes"),
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in _CONTENT.items():
            for column in columns:
                op.execute(f'ALTER TABLE {table} ALTER COLUMN "{column}" SET STATISTICS 0')


def downgrade() -> None:
    raise NotImplementedError("Going back would lose what the newer schema holds.")
