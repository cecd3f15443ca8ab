"""API keys in Postgres. Looked up seldom: what admits callers remembers them for a while."""

from typing import Any, Final

from shared.adapters.pg_calls import Calls
from shared.domain.api_key import ApiKey, scopes_of

_COLUMNS: Final = "id, name, scopes, digest, created_at, expires_at, revoked_at, last_used_at"
_ADD: Final = f"""
    INSERT INTO api_keys ({_COLUMNS})
    VALUES (:id, :name, CAST(:scopes AS text[]), :digest, CAST(:created_at AS timestamptz),
            CAST(:expires_at AS timestamptz), NULL, NULL)
"""  # noqa: S608 - constants of this file
_FIND: Final = f"SELECT {_COLUMNS} FROM api_keys WHERE id = :id"  # noqa: S608
_ALL: Final = f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_at, id"  # noqa: S608
_REVOKE: Final = f"""
    UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = :id
 RETURNING {_COLUMNS}
"""  # noqa: S608
_USED: Final = "UPDATE api_keys SET last_used_at = now() WHERE id = :id"


class PostgresKeys:
    """See `KeyStore`."""

    def __init__(self, url: str) -> None:
        self._calls = Calls(url)

    async def add(self, key: ApiKey) -> None:
        """See `KeyStore.add`."""
        await self._calls.run(
            _ADD,
            id=key.id,
            name=key.name,
            scopes=sorted(key.scopes),
            digest=key.digest,
            created_at=key.created_at,
            expires_at=key.expires_at,
        )

    async def find(self, key_id: str) -> ApiKey | None:
        """See `KeyStore.find`."""
        rows = await self._calls.run(_FIND, id=key_id)
        return _key(rows[0]) if rows else None

    async def all(self) -> list[ApiKey]:
        """See `KeyStore.all`."""
        return [_key(row) for row in await self._calls.run(_ALL)]

    async def revoke(self, key_id: str) -> ApiKey | None:
        """See `KeyStore.revoke`."""
        rows = await self._calls.run(_REVOKE, id=key_id)
        return _key(rows[0]) if rows else None

    async def used(self, key_id: str) -> None:
        """See `KeyStore.used`."""
        await self._calls.run(_USED, id=key_id)

    def close(self) -> None:
        """End the connection."""
        self._calls.close()


def _key(row: list[Any]) -> ApiKey:
    key_id, name, scopes, digest, created_at, expires_at, revoked_at, last_used_at = row
    known, unknown = scopes_of(scopes)
    times = (created_at, expires_at, revoked_at, last_used_at)
    return ApiKey(key_id, name, known, bytes(digest), *times, unknown)
