"""Sessions and origins of observations, and counters that a search in memory follows."""

import sqlalchemy as sa
from alembic import op

__all__ = ("downgrade", "upgrade")

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("0")))
        users.add_column(sa.Column("epoch", sa.Integer(), nullable=False, server_default=sa.text("0")))
    with op.batch_alter_table("observations") as observations:
        observations.add_column(sa.Column("session", sa.String(length=256), nullable=True))
        observations.add_column(sa.Column("origin", sa.String(length=256), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Going back would lose what the newer schema holds.")
