"""Read tasks: one by id, or a page of those that a filter names; and cancel one."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.domain.errors import InvalidField, InvalidRequest, TaskNotFound, WrongState
from shared.domain.ports import Ledger, TaskCache, TaskFilter
from shared.domain.requests import DEFAULT_PAGE, MAX_PAGE
from shared.domain.task import Task

_CHECK_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Page:
    """Some tasks, newest first; an empty token says that there are no more."""

    tasks: list[Task]
    next_page_token: str


class LookupService:
    """Answers questions about tasks; the ledger decides, the cache only spares it work."""

    def __init__(self, ledger: Ledger, cache: TaskCache) -> None:
        self._ledger = ledger
        self._cache = cache

    async def get(self, task_id: str) -> Task:
        """The task with its attempts.

        Raises: TaskNotFound, also for an id that is none.
        """
        key = uuid_of(task_id)
        cached = await self._cache.get(key)
        task = cached or await self._ledger.get(key)
        if task is None:
            raise TaskNotFound(task_id)
        if cached is None:
            await self._cache.put(task)
        return task

    async def find(self, wanted: TaskFilter, *, page_size: int = 0, page_token: str = "") -> Page:
        """A page of the tasks that `wanted` names; page_size 0 means the default.

        Raises: InvalidRequest for a size out of range, or a token of another listing.
        """
        if not 0 <= page_size <= MAX_PAGE:
            raise _invalid("page_size", f"{page_size} is not between 1 and {MAX_PAGE}")
        size = page_size or DEFAULT_PAGE
        after = _read_token(page_token, wanted) if page_token else None
        tasks = await self._ledger.find(wanted, after=after, limit=size + 1)
        more = len(tasks) > size
        tasks = tasks[:size]
        return Page(tasks, _write_token(tasks[-1].id, wanted) if more else "")

    async def cancel(self, task_id: str) -> Task:
        """Cancel a task that waits; ask one that runs to stop: it is still `running` then.

        Safe to repeat. Raises: TaskNotFound; WrongState when it is final and not cancelled.
        """
        task, done = await self._ledger.cancel(uuid_of(task_id))
        if task is None:
            raise TaskNotFound(task_id)
        if not done and task.state != "cancelled":
            raise WrongState(task.id, task.state, "cancelled")
        return task


def uuid_of(text: str) -> UUID:
    """The task id that `text` is.

    Raises: TaskNotFound when it is none, since no task can have it.
    """
    try:
        return UUID(text)
    except ValueError:
        raise TaskNotFound(text[:100]) from None


def _invalid(field: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {problem}", [InvalidField(field, problem)])


def _check(key: UUID, wanted: TaskFilter) -> bytes:
    """Ties a token to its filter, so that one of another listing is refused."""
    return hashlib.sha256(key.bytes + repr(wanted).encode()).digest()[:_CHECK_BYTES]


def _write_token(key: UUID, wanted: TaskFilter) -> str:
    return base64.urlsafe_b64encode(key.bytes + _check(key, wanted)).decode().rstrip("=")


def _read_token(token: str, wanted: TaskFilter) -> UUID:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        key = UUID(bytes=raw[:16])
    except ValueError:
        raise _invalid("page_token", "it is not a token of this listing") from None
    if raw[16:] != _check(key, wanted):
        raise _invalid("page_token", "it belongs to a listing with other filters")
    return key
