"""The ports in memory: for tests of everything that stands on them, and nothing else.

Same contract suites as the real ones. One process, no durability.
"""

from collections.abc import Sequence
from uuid import UUID

from shared.adapters.memory_ledger import MemoryLedger
from shared.domain.envelope import Message
from shared.domain.ports import KeyRecord
from shared.domain.task import SETTLED, Task

__all__ = ["MemoryCache", "MemoryLedger", "MemoryPublisher"]


class MemoryPublisher:
    """Keeps what was published; `reachable = False` makes every publish unconfirmed."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.reachable = True

    async def publish(self, messages: Sequence[Message]) -> list[bool]:
        """See `Publisher.publish`."""
        if self.reachable:
            self.messages.extend(messages)
        return [self.reachable] * len(messages)

    async def ping(self) -> None:
        """See `Publisher.ping`."""
        if not self.reachable:
            raise ConnectionError("the publisher was made unreachable")


class MemoryCache:
    """A cache that forgets nothing."""

    def __init__(self) -> None:
        self._tasks: dict[UUID, Task] = {}
        self._keys: dict[str, KeyRecord] = {}

    async def get(self, task_id: UUID) -> Task | None:
        """See `TaskCache.get`."""
        return self._tasks.get(task_id)

    async def put(self, task: Task) -> None:
        """See `TaskCache.put`."""
        if task.state in SETTLED:
            self._tasks[task.id] = task

    async def drop(self, task_id: UUID) -> None:
        """See `TaskCache.drop`."""
        self._tasks.pop(task_id, None)

    async def get_key(self, key: str) -> KeyRecord | None:
        """See `TaskCache.get_key`."""
        return self._keys.get(key)

    async def put_key(self, key: str, record: KeyRecord) -> None:
        """See `TaskCache.put_key`."""
        self._keys[key] = record

    async def ping(self) -> None:
        """Memory is always there."""
