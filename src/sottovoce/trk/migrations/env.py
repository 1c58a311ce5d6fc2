"""Alembic's entry: runs TRK's migrations over the connection that it is handed."""

from alembic import context

from sottovoce.trk.schema import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("TRK's migrations run through sottovoce.store.migrate only")

context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
