"""Alembic's entry: runs on the connection that `kernel.migrating` hands over, each migration in its transaction."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=None,
    version_table="alembic_version",
    version_table_schema="migrations",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
