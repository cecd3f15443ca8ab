"""What Alembic runs for each command; the connection comes from `migrate`."""

from alembic import context

from shared.adapters.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
