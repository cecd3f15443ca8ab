"""Which blobs the ledger on Postgres still needs."""

import json
from collections.abc import Sequence
from typing import Final

from shared.adapters.pg_calls import Calls
from shared.domain.blob import PAYLOADS, owner_of

# A task that was redriven with another payload no longer needs the one before.
_UNNEEDED: Final = f"""
    WITH asked AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(key text, id uuid)
    )
    SELECT asked.key FROM asked
      LEFT JOIN tasks t ON t.id = asked.id AND t.id = ANY (ARRAY(SELECT id FROM asked))
     WHERE t.id IS NULL
        OR starts_with(asked.key, '{PAYLOADS}')
           AND t.payload_blob ->> 'key' IS DISTINCT FROM asked.key
     ORDER BY asked.key COLLATE "C\""""  # noqa: S608 - a constant of ours


class PostgresBlobOwners:
    """See `BlobOwners`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def unneeded(self, keys: Sequence[str]) -> list[str]:
        """See `BlobOwners.unneeded`."""
        items = [{"key": key, "id": str(owner_of(key))} for key in keys if owner_of(key)]
        rows = await self._calls.run(_UNNEEDED, items=json.dumps(items))
        return [key for [key] in rows]
