"""API keys in memory: for tests of what stands on them. Same contract suite as Postgres."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from shared.domain.api_key import ApiKey


class MemoryKeys:
    """See `KeyStore`. `now` is its clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._keys: dict[str, ApiKey] = {}
        self.lookups = 0

    async def add(self, key: ApiKey) -> None:
        """See `KeyStore.add`."""
        self._keys[key.id] = key

    async def find(self, key_id: str) -> ApiKey | None:
        """See `KeyStore.find`."""
        self.lookups += 1
        return self._keys.get(key_id)

    async def all(self) -> list[ApiKey]:
        """See `KeyStore.all`."""
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.id))

    async def revoke(self, key_id: str) -> ApiKey | None:
        """See `KeyStore.revoke`."""
        key = self._keys.get(key_id)
        if key is not None and key.revoked_at is None:
            key = self._keys[key_id] = replace(key, revoked_at=self._now())
        return key

    async def used(self, key_id: str) -> None:
        """See `KeyStore.used`."""
        if key_id in self._keys:
            self._keys[key_id] = replace(self._keys[key_id], last_used_at=self._now())
