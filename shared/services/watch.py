"""Tell many watchers what becomes of their tasks, at the price of one.

One poller a process reads, in one statement, how all the watched tasks stand, and reads whole only
those that have changed. It rests while nobody watches, and holds no connection for a watcher.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.domain.errors import LedgerUnavailable, TaskNotFound, TooManyWatchers
from shared.domain.ports import Watched
from shared.domain.task import FINAL, Glimpse, Task, glimpse_of
from shared.services.lookup import uuid_of

EVERY_SECONDS: Final = 0.5
MAX_WATCHERS: Final = 1000
STREAM_SECONDS: Final = 50.0
"""How long a watch lasts at most; the watcher then comes again with the last mark that it has seen.
Less than the 60 s that a request to the deployed function may take."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A task that is not as it was; `only_progress` when nothing else has changed."""

    task: Task
    mark: str
    only_progress: bool


class _Watcher:
    """Keeps the newest sight of one task until its watcher fetches it."""

    def __init__(self) -> None:
        self._task: Task | None = None
        self._news = asyncio.Event()

    def show(self, task: Task | None) -> None:
        """Wake the watcher; without a task only to let it look around."""
        self._task = task or self._task
        self._news.set()

    async def next(self, patience_seconds: float) -> Task | None:
        """The newest sight, or None when there is none within so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                await self._news.wait()
        self._news.clear()
        task, self._task = self._task, None
        return task


class WatchService:
    """Watches tasks of `ledger` for whoever asks."""

    def __init__(
        self,
        ledger: Watched,
        *,
        every_seconds: float = EVERY_SECONDS,
        stream_seconds: float = STREAM_SECONDS,
    ) -> None:
        self._ledger = ledger
        self._every_seconds = every_seconds
        self._stream_seconds = stream_seconds
        self._watchers: defaultdict[UUID, set[_Watcher]] = defaultdict(set)
        self._seen: dict[UUID, Glimpse] = {}
        self._count = 0
        self._poller: asyncio.Task[None] | None = None
        self._stopped = False

    async def watch(
        self, task_id: str, *, known: str = "", beat_seconds: float = STREAM_SECONDS
    ) -> AsyncGenerator[Sighting | None]:
        """How the task stands now, and again after each change, until it is final.

        Of changes that follow each other within half a second only the last is shown. What has the
        mark `known` is left out. None says that nothing has happened for `beat_seconds`, or
        since `known`. It ends earlier after 50 s, or when the process stops: then watch again.
        Raises: TaskNotFound, TooManyWatchers, LedgerUnavailable, all of them before the first.
        """
        key = uuid_of(task_id)
        end = asyncio.get_running_loop().time() + self._stream_seconds
        with self._watching(key) as watcher:
            task: Task | None = await self._task(key)
            last: Glimpse | None = None
            while True:
                if task:
                    glimpse = glimpse_of(task)
                    if glimpse.mark != (last.mark if last else known):
                        same = last is not None and last.key == glimpse.key
                        yield Sighting(task, glimpse.mark, same)
                    elif last is None and task.state not in FINAL:
                        yield None
                    last = glimpse
                    if task.state in FINAL:
                        return
                elif not self._stopped:
                    yield None
                left = end - asyncio.get_running_loop().time()
                if self._stopped or left <= 0:
                    return
                task = await watcher.next(min(beat_seconds, left))

    async def stop(self) -> None:
        """End every watch, and begin none that lasts."""
        self._stopped = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.show(None)

    async def _task(self, key: UUID) -> Task:
        task = await self._ledger.get(key)
        if task is None:
            raise TaskNotFound(key)
        return task

    @contextmanager
    def _watching(self, key: UUID) -> Iterator[_Watcher]:
        if self._count >= MAX_WATCHERS:
            raise TooManyWatchers(MAX_WATCHERS)
        watcher = _Watcher()
        self._watchers[key].add(watcher)
        self._count += 1
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            yield watcher
        finally:
            self._count -= 1
            self._watchers[key].discard(watcher)
            if not self._watchers[key]:
                del self._watchers[key]
                self._seen.pop(key, None)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds)
            if not self._watchers:
                return
            with suppress(LedgerUnavailable):  # the watchers wait: the next turn may get through
                await self._look()

    async def _look(self) -> None:
        now = await self._ledger.glimpse(list(self._watchers))
        changed = [key for key, glimpse in now.items() if self._seen.get(key) != glimpse]
        for key in changed:
            task = await self._ledger.get(key)
            for watcher in tuple(self._watchers.get(key, ())):
                watcher.show(task)
            if key in self._watchers:
                self._seen[key] = now[key]
