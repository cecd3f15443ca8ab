"""Large things that stand beside the ledger: where they are, and the port that keeps them.

A key names the task that it belongs to, whose id says when it was made: so what is left over can be
found without a clock of the store's.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from shared.domain.errors import CloudTaskerError, Code

INLINE_BYTES: Final = 262_144
"""A larger payload stands in the blob store, where there is one."""
MAX_LARGE_BODY_BYTES: Final = 10_000_000
"""The largest body of one task where there is a blob store."""
LEFT_OVER_SECONDS: Final = 86_400.0
"""How old a blob without a task must be until it is deleted: its task may be about to be stored."""
PAYLOADS: Final = "payloads/"
RESULTS: Final = "results/"


class BlobsUnavailable(CloudTaskerError):
    """The blob store did not answer; repeating is safe."""

    code = Code.UNAVAILABLE


class BlobMissing(CloudTaskerError):
    """The blob store has nothing under this key."""

    code = Code.NOT_FOUND

    def __init__(self, key: str) -> None:
        super().__init__(f"the blob store has no {key}")


class BlobDamaged(CloudTaskerError):
    """What the blob store has under this key is not what was put there."""

    code = Code.UNAVAILABLE

    def __init__(self, key: str) -> None:
        super().__init__(f"the blob {key} is not what was stored: its checksum differs")


@dataclass(frozen=True, slots=True)
class Blob:
    """Where a blob stands, and what it must be."""

    key: str
    size: int
    """In bytes."""
    sha256: str

    def as_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {"key": self.key, "bytes": self.size, "sha256": self.sha256}

    def check(self, content: bytes) -> None:
        """Raises: BlobDamaged unless `content` is what was stored."""
        if len(content) != self.size or hashlib.sha256(content).hexdigest() != self.sha256:
            raise BlobDamaged(self.key)


def blob_of(said: Any) -> Blob | None:
    """What `Blob.as_json` made, as it was."""
    return Blob(said["key"], said["bytes"], said["sha256"]) if said else None


def payload_blob(task_id: UUID, content: bytes) -> Blob:
    """The blob that holds the payload of a task."""
    return Blob(f"{PAYLOADS}{task_id}", len(content), hashlib.sha256(content).hexdigest())


def result_key(task_id: UUID, ending: str) -> str:
    """The key of a task's result: the same in each attempt, so that a repeat overwrites."""
    return f"{RESULTS}{task_id}.{ending}"


def owner_of(key: str) -> UUID | None:
    """The task that the blob `key` belongs to; None when it is not one of ours."""
    if not key.startswith((PAYLOADS, RESULTS)):
        return None
    try:
        return UUID(key.split("/")[1].partition(".")[0])
    except ValueError:
        return None


def may_be_left_over(key: str, now_seconds: float) -> bool:
    """Whether the blob is ours and its task was made more than a day before `now_seconds`, a Unix
    time. The first 48 bits of a UUIDv7 are its milliseconds."""
    owner = owner_of(key)
    return owner is not None and (owner.int >> 80) / 1000 < now_seconds - LEFT_OVER_SECONDS


class Blobs(Protocol):
    """A store of blobs. Every method raises BlobsUnavailable when the store does not answer."""

    async def put(self, key: str, content: bytes) -> None:
        """Store `content` under `key`, in place of what is there."""
        ...

    async def get(self, key: str) -> bytes:
        """What is stored under `key`. Raises: BlobMissing."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete blobs; those that are gone do not matter."""
        ...

    async def keys(self) -> list[str]:
        """The keys of all blobs, sorted."""
        ...


class BlobOwners(Protocol):
    """Who knows which blobs are still needed. Raises LedgerUnavailable."""

    async def unneeded(self, keys: Sequence[str]) -> list[str]:
        """Those of `keys` whose task is gone, or has another payload now."""
        ...
