"""Alembic's entry point: runs the revisions on the connection, and in the transaction, that it is handed."""

from alembic import context

from limner.memory.schema import metadata

__all__ = ()

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
