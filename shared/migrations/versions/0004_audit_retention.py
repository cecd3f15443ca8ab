"""The audit is pruned: by a function of the owner's, since a workload may only add to it."""

from alembic import op

revision = "0004"
down_revision = "0003"

# It runs with the rights of who migrates, so its search path is fixed, nobody may call it but whom
# `cloudtasker migrate --grant` names, and no line of the last 30 days goes, whatever it is asked.
_PRUNE = """
    CREATE FUNCTION prune_audit(older_than_seconds double precision, most integer)
    RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        WITH gone AS (
            DELETE FROM audit WHERE id = ANY (ARRAY(
                SELECT id FROM audit
                 WHERE at <= now() - greatest(older_than_seconds * interval '1 second',
                                              interval '30 days')
                 ORDER BY at LIMIT most))
            RETURNING 1
        )
        SELECT count(*) FROM gone
    $$
"""


def upgrade() -> None:
    """Make the function, and the index that finds old lines."""
    op.execute("CREATE INDEX audit_old ON audit (at)")
    op.execute(_PRUNE)
    op.execute("REVOKE EXECUTE ON FUNCTION prune_audit FROM PUBLIC")


def downgrade() -> None:
    """Drop both."""
    op.execute("DROP FUNCTION prune_audit")
    op.execute("DROP INDEX audit_old")
