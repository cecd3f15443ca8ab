"""Large payloads: in the blob store before the row, read before the handler, gone with the row.

A row never names a blob that was not stored; a blob that no row names is swept a day later.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from shared.domain.blob import (
    INLINE_BYTES,
    BlobOwners,
    Blobs,
    BlobsUnavailable,
    may_be_left_over,
    payload_blob,
)
from shared.domain.errors import InvalidField, InvalidRequest
from shared.domain.task import Claim, NewTask

SWEEP_SECONDS: Final = 86_400.0
SWEEP_BATCH: Final = 1000
AT_ONCE: Final = 8
PUT_SECONDS: Final = 10.0


class ClaimCheck:
    """Brings large payloads to the blob store and back."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def deposit(self, tasks: Sequence[NewTask]) -> list[NewTask]:
        """`tasks`, those with a payload above 256 KB without it: it is stored, and they name it.

        Raises: InvalidRequest for follow-ups that large, which stand in the row; BlobsUnavailable.
        """
        return list(await asyncio.gather(*map(self._deposit, tasks)))

    async def _deposit(self, task: NewTask) -> NewTask:
        async with self._slots:
            if task.follow_ups and len(await _encoded(task.follow_ups.as_json())) > INLINE_BYTES:
                raise _follow_ups_too_large()
            content = await _encoded(task.payload)
            if len(content) <= INLINE_BYTES:
                return task
            blob = payload_blob(task.id, content)
            await self._put(blob.key, content)
        return replace(task, payload={}, payload_blob=blob)

    async def _put(self, key: str, content: bytes) -> None:
        """A store that hangs must not hold the caller longer than one that is away."""
        try:
            async with asyncio.timeout(PUT_SECONDS):
                await self._blobs.put(key, content)
        except TimeoutError:
            said = f"the blob store took over {PUT_SECONDS:g} s for {len(content)} bytes"
            raise BlobsUnavailable(said) from None

    async def payload_of(self, claim: Claim) -> dict[str, Any]:
        """The payload of a claimed task, wherever it stands.

        Raises: BlobMissing, BlobDamaged, BlobsUnavailable.
        """
        blob = claim.payload_blob
        if blob is None:
            return claim.payload
        content = await self._blobs.get(blob.key)
        blob.check(content)
        payload: dict[str, Any] = await asyncio.to_thread(json.loads, content)
        return payload

    async def discard(self, tasks: Sequence[NewTask]) -> None:
        """Delete the payloads of tasks that were not stored after all; the sweep has the rest."""
        keys = [task.payload_blob.key for task in tasks if task.payload_blob]
        with suppress(BlobsUnavailable):
            await self._blobs.delete(keys)


class BlobSweep:
    """Deletes the blobs of pruned tasks, and once a day those that no task needs."""

    def __init__(
        self,
        blobs: Blobs,
        owners: BlobOwners,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` decides what is a day old, against the time in a task's id."""
        self._blobs = blobs
        self._owners = owners
        self._now = now
        self._next_at = float("-inf")
        self._left: list[str] = []

    async def drop(self, pruned: Sequence[Any]) -> None:
        """Delete what the `payload_blob` of pruned tasks names. While the store is away they stay,
        and the daily sweep finds them."""
        with suppress(BlobsUnavailable):
            await self._blobs.delete([said["key"] for said in pruned])

    async def step(self) -> int:
        """Look at up to 1,000 old blobs when a day has passed; how many were deleted.

        While the store is away nothing is. Raises: LedgerUnavailable; the next call goes on.
        """
        with suppress(BlobsUnavailable):
            return await self._step()
        return 0

    async def _step(self) -> int:
        now = self._now()
        if not self._left:
            if now < self._next_at:
                return 0
            self._next_at = now + SWEEP_SECONDS
            self._left = [key for key in await self._blobs.keys() if may_be_left_over(key, now)]
        if not self._left:
            return 0
        unneeded = await self._owners.unneeded(self._left[:SWEEP_BATCH])
        await self._blobs.delete(unneeded)
        self._left = self._left[SWEEP_BATCH:]
        return len(unneeded)


async def _encoded(value: Any) -> bytes:
    """Compact UTF-8 JSON; in a thread, since it may be large."""
    return await asyncio.to_thread(
        lambda: json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    )


def _follow_ups_too_large() -> InvalidRequest:
    problem = (
        f"then and on_failure are over {INLINE_BYTES} bytes together; only the task's own payload "
        "may be larger: enqueue what follows when it is time, or send less"
    )
    return InvalidRequest(f"task rejected: then: {problem}", [InvalidField("then", problem)])
