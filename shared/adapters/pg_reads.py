"""Reads of the ledger for people and callers, with SQLAlchemy Core. Never on a task's path."""

from collections.abc import Collection
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Select, select
from sqlalchemy.exc import DBAPIError

from shared.adapters.cloud_sql import Connect
from shared.adapters.pg_connection import is_away
from shared.adapters.pg_engine import engine_of
from shared.adapters.schema import attempts, tasks
from shared.domain.blob import blob_of
from shared.domain.errors import LedgerUnavailable
from shared.domain.follow_up import ids_of
from shared.domain.ports import TaskFilter
from shared.domain.task import Attempt, Glimpse, Progress, State, Task

_COLUMNS = (
    "id",
    "task_type",
    "state",
    "payload",
    "result",
    "error",
    "labels",
    "ordering_key",
    "idempotency_key",
    "generation",
    "attempt",
    "created_at",
    "started_at",
    "finished_at",
    "due_at",
    "traceparent",
    "concurrency_key",
    "not_before",
    "expires_at",
    "progress",
    "cancel_requested_at",
    "parent_id",
    "group_id",
    "follow_ups",
    "payload_blob",
)


@cache
def reads_of(url: str) -> "Reads":
    """The reads of one database, sharing one pool in this process."""
    return Reads(url)


class Reads:
    """Blocking reads; call them in a thread."""

    def __init__(self, url: str, *, connect: Connect | None = None) -> None:
        self._engine: Engine = engine_of(
            url,
            connect=connect,
            isolation_level="AUTOCOMMIT",
            pool_size=4,
            max_overflow=4,
            pool_pre_ping=True,
        )

    def get(self, task_id: UUID) -> Task | None:
        """The task with its attempts, oldest first."""
        rows = self._rows(_selected().where(tasks.c.id == task_id))
        if not rows:
            return None
        ended = select(
            attempts.c.generation,
            attempts.c.number,
            attempts.c.started_at,
            attempts.c.finished_at,
            attempts.c.outcome,
            attempts.c.error,
        ).where(attempts.c.task_id == task_id)
        found = [Attempt(*row) for row in self._rows(ended.order_by(attempts.c.token))]
        return _task(rows[0], found)

    def glimpse(self, task_ids: Collection[UUID]) -> dict[UUID, Glimpse]:
        """How each of the tasks stands; those that are gone are missing."""
        names = ("state", "generation", "attempt", "started_at", "cancel_requested_at", "progress")
        columns = (tasks.c.id, *(tasks.c[name] for name in names))
        rows = self._rows(select(*columns).where(tasks.c.id.in_(task_ids)))
        return {
            task_id: Glimpse(State(state), generation, attempt, started, asked, _progress(said))
            for task_id, state, generation, attempt, started, asked, said in rows
        }

    def find(self, wanted: TaskFilter, after: UUID | None, limit: int) -> list[Task]:
        """At most `limit` tasks, newest first, older than id `after`; without their attempts."""
        query = _selected().order_by(tasks.c.id.desc()).limit(limit)
        if after:
            query = query.where(tasks.c.id < after)
        return [_task(row) for row in self._rows(_filtered(query, wanted))]

    def _rows(self, query: Select[Any]) -> list[Any]:
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(query))
        except DBAPIError as error:
            if error.connection_invalidated or (error.orig and is_away(error.orig)):
                raise LedgerUnavailable("postgres did not answer a read") from error
            raise
        except OSError as error:
            raise LedgerUnavailable("postgres did not answer a read") from error


def _selected() -> Select[Any]:
    return select(*(tasks.c[name] for name in _COLUMNS))


def _filtered(query: Select[Any], wanted: TaskFilter) -> Select[Any]:
    if wanted.task_type is not None:
        query = query.where(tasks.c.task_type == wanted.task_type)
    if wanted.state is not None:
        query = query.where(tasks.c.state == wanted.state.value)
    if wanted.labels:
        query = query.where(tasks.c.labels.contains(wanted.labels))
    if wanted.created_after is not None:
        query = query.where(tasks.c.created_at > wanted.created_after)
    if wanted.created_before is not None:
        query = query.where(tasks.c.created_at < wanted.created_before)
    return query


def _task(row: Any, ended: list[Attempt] | None = None) -> Task:
    values = row._asdict()
    values["state"] = State(values["state"])
    values["progress"] = _progress(values["progress"])
    values["follow_ups"] = ids_of(values["follow_ups"])
    values["payload_blob"] = blob_of(values["payload_blob"])
    task = Task(**values, attempts=tuple(ended or ()))
    running = ended is not None and task.state is State.RUNNING and task.started_at
    if not running:
        return task
    now = Attempt(task.generation, task.attempt, running, None, "running")
    return Task(**values, attempts=(*task.attempts, now))


def _progress(said: dict[str, Any] | None) -> Progress | None:
    if said is None:
        return None
    at = datetime.fromisoformat(said["at"]).astimezone(UTC)
    return Progress(said["percent"], said["text"], at)
