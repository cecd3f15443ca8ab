"""Blobs in memory, and who needs them by the ledger in memory. For tests."""

from collections.abc import Sequence

from shared.adapters.memory_ledger import MemoryLedger
from shared.domain.blob import PAYLOADS, BlobMissing, BlobsUnavailable, owner_of


class MemoryBlobs:
    """A dictionary; `reachable = False` makes every call fail."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.reachable = True

    async def put(self, key: str, content: bytes) -> None:
        """See `Blobs.put`."""
        self._reach()
        self.content[key] = content

    async def get(self, key: str) -> bytes:
        """See `Blobs.get`."""
        self._reach()
        try:
            return self.content[key]
        except KeyError:
            raise BlobMissing(key) from None

    async def delete(self, keys: Sequence[str]) -> None:
        """See `Blobs.delete`."""
        self._reach()
        for key in keys:
            self.content.pop(key, None)

    async def keys(self) -> list[str]:
        """See `Blobs.keys`."""
        self._reach()
        return sorted(self.content)

    def _reach(self) -> None:
        if not self.reachable:
            raise BlobsUnavailable("the blob store was made unreachable")


class MemoryBlobOwners:
    """See `BlobOwners`."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger

    async def unneeded(self, keys: Sequence[str]) -> list[str]:
        """See `BlobOwners.unneeded`."""
        return sorted(key for key in keys if not self._is_needed(key))

    def _is_needed(self, key: str) -> bool:
        owner = owner_of(key)
        row = self._ledger.rows.get(owner) if owner else None
        if row is None or not key.startswith(PAYLOADS):
            return row is not None
        return row.task.payload_blob is not None and row.task.payload_blob.key == key
