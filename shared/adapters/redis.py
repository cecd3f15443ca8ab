"""The cache on Redis or Valkey. It may be empty, full or gone: every answer is then "not known"."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from shared.adapters.redis_connection import RedisConnection
from shared.domain.blob import blob_of
from shared.domain.ports import KeyRecord
from shared.domain.task import SETTLED, Attempt, Progress, State, Task

TASK_SECONDS: Final = 600
KEY_SECONDS: Final = 23 * 3600
"""Less than the ledger's window, so that the cache never knows a key that the ledger has freed."""
_IDS: Final = ("parent_id", "group_id")
_MOMENTS: Final = (
    "created_at",
    "started_at",
    "finished_at",
    "due_at",
    "not_before",
    "expires_at",
    "cancel_requested_at",
)


class RedisCache:
    """See `TaskCache`."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._redis = connection.client

    async def get(self, task_id: UUID) -> Task | None:
        """See `TaskCache.get`."""
        said = await self._quiet(lambda: self._redis.get(_task_key(task_id)))
        return _read_task(said) if said else None

    async def put(self, task: Task) -> None:
        """See `TaskCache.put`."""
        if task.state in SETTLED:
            await self._quiet(
                lambda: self._redis.set(_task_key(task.id), _write_task(task), ex=TASK_SECONDS)
            )

    async def drop(self, task_id: UUID) -> None:
        """See `TaskCache.drop`."""
        await self._quiet(lambda: self._redis.delete(_task_key(task_id)))

    async def get_key(self, key: str) -> KeyRecord | None:
        """See `TaskCache.get_key`."""
        said = await self._quiet(lambda: self._redis.get(f"cloudtasker:key:{key}"))
        if not said:
            return None
        task_id, fingerprint = said.split(" ", 1)
        return KeyRecord(UUID(task_id), fingerprint)

    async def put_key(self, key: str, record: KeyRecord) -> None:
        """See `TaskCache.put_key`."""
        value = f"{record.task_id} {record.fingerprint}"
        await self._quiet(lambda: self._redis.set(f"cloudtasker:key:{key}", value, ex=KEY_SECONDS))

    async def ping(self) -> None:
        """See `TaskCache.ping`."""
        await self._connection.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def _quiet(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer, or None when Redis is away or full: the ledger is asked instead."""
        try:
            return await self._connection.ask(ask)
        except ConnectionError:
            return None


def _task_key(task_id: UUID) -> str:
    return f"cloudtasker:task:{task_id}"


def _write_task(task: Task) -> str:
    values = {name: getattr(task, name) for name in Task.__slots__}
    values["id"] = str(task.id)
    values["attempts"] = [
        [a.generation, a.number, _text(a.started_at), _text(a.finished_at), a.outcome, a.error]
        for a in task.attempts
    ]
    values |= {name: _text(values[name]) for name in _MOMENTS}
    if said := task.progress:
        values["progress"] = [said.percent, said.text, _text(said.at)]
    values |= {name: values[name] and str(values[name]) for name in _IDS}
    values["follow_ups"] = {name: str(one) for name, one in task.follow_ups.items()}
    values["payload_blob"] = task.payload_blob and task.payload_blob.as_json()
    return json.dumps(values)


def _read_task(said: str) -> Task:
    values = json.loads(said)
    values["id"] = UUID(values["id"])
    values["state"] = State(values["state"])
    values["attempts"] = tuple(
        Attempt(generation, number, _moment(started), _moment(finished), outcome, error)
        for generation, number, started, finished, outcome, error in values["attempts"]
    )
    # What an earlier version has written lacks what is new.
    values |= {name: _moment(values.get(name)) for name in _MOMENTS}
    if progress := values.get("progress"):
        percent, text, at = progress
        values["progress"] = Progress(percent, text, _moment(at))
    values |= {name: UUID(one) for name in _IDS if (one := values.get(name))}
    follow_ups = values.get("follow_ups", {})
    values["follow_ups"] = {name: UUID(one) for name, one in follow_ups.items()}
    values["payload_blob"] = blob_of(values.get("payload_blob"))
    return Task(**values)


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> Any:
    return datetime.fromisoformat(text) if text else None
