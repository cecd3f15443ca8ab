"""How the schema came to be: Alembic revisions, applied by `cloudtasker migrate`."""
