"""The cache of a deployment without Redis: it remembers nothing."""

from uuid import UUID

from shared.domain.ports import KeyRecord
from shared.domain.task import Task


class NoCache:
    """Always empty."""

    async def get(self, task_id: UUID) -> Task | None:
        """Nothing is ever known."""

    async def put(self, task: Task) -> None:
        """Nothing is kept."""

    async def drop(self, task_id: UUID) -> None:
        """There is nothing to drop."""

    async def get_key(self, key: str) -> KeyRecord | None:
        """Nothing is ever known."""

    async def put_key(self, key: str, record: KeyRecord) -> None:
        """Nothing is kept."""

    async def ping(self) -> None:
        """There is nothing to reach."""
