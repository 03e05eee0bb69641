"""Suggestions, evidence in the description of an image, and an index of what waits."""

import sqlalchemy as sa
from alembic import op

__all__ = ("downgrade", "upgrade")

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In plain SQL: Alembic would copy the table on SQLite for the sake of the constraint.
    op.execute(
        "ALTER TABLE evidence ADD COLUMN part VARCHAR(16) DEFAULT 'text' NOT NULL "
        "CONSTRAINT ck_evidence_part CHECK (part IN ('text', 'image'))"
    )
    _suggestions()
    postgresql = op.get_bind().dialect.name == "postgresql"
    waits = sa.text("state IN ('pending', 'claimed')")
    op.create_index(
        "ix_observations_waiting",
        "observations",
        ["user_id"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
    if postgresql:
        # Large stores were told to make this one by hand.
        op.execute("DROP INDEX IF EXISTS waiting")
        # PostgreSQL would copy common values into its statistics, where an erasure does not reach them.
        for column in ("text", "model"):
            op.execute(f"ALTER TABLE suggestions ALTER COLUMN {column} SET STATISTICS 0")


def _suggestions() -> None:
    def user() -> sa.Column[str]:
        return sa.Column("user_id", sa.String(length=256), nullable=False)

    def refers(table: str, column: str, to: str, ondelete: str) -> sa.ForeignKeyConstraint:
        name = op.f(f"fk_{table}_{column}")
        return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete=ondelete)

    op.create_table(
        "suggestions",
        user(),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("observation_id", sa.String(length=36), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("prompt_hash", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "state IN ('offered', 'shown', 'accepted', 'dismissed')", name=op.f("ck_suggestions_state")
        ),
        refers("suggestions", "user_id", "users", "CASCADE"),
        refers("suggestions", "observation_id", "observations", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestions")),
    )
    op.create_index(op.f("ix_suggestions_user_id_made_at"), "suggestions", ["user_id", "made_at"])
    op.create_index(op.f("ix_suggestions_observation_id"), "suggestions", ["observation_id"])
    op.create_table(
        "suggestion_basis",
        user(),
        sa.Column("suggestion_id", sa.String(length=36), nullable=False),
        sa.Column("proposition_id", sa.String(length=36), nullable=False),
        refers("suggestion_basis", "user_id", "users", "CASCADE"),
        refers("suggestion_basis", "suggestion_id", "suggestions", "CASCADE"),
        refers("suggestion_basis", "proposition_id", "propositions", "CASCADE"),
        sa.PrimaryKeyConstraint("suggestion_id", "proposition_id", name=op.f("pk_suggestion_basis")),
    )
    op.create_index(
        op.f("ix_suggestion_basis_user_id_proposition_id"), "suggestion_basis", ["user_id", "proposition_id"]
    )
    op.create_index(op.f("ix_suggestion_basis_proposition_id"), "suggestion_basis", ["proposition_id"])


def downgrade() -> None:
    raise NotImplementedError("Going back would lose what the newer schema holds.")
