"""Group commit: what arrives while one transaction is being written goes into the next.

All methods are called on the event loop; one thread writes. It knows no rule of Pub/Sub.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from emulators.pubsub.store import Batch, Store

log = logging.getLogger("emulators.pubsub")

# Acks may wait this long for a publish to travel with.
LAZY_SECONDS = 0.05

Committed = Callable[[], None]


def resolve(future: asyncio.Future[None]) -> None:
    """End the wait for `future`, whoever still waits."""
    if not future.done():
        future.set_result(None)


class Journal:
    """Writes batches to the store, in order, one at a time.

    `before_commit` is called with each batch just before it is written, to add what has been kept
    back; `failed` once, when a write fails: nothing is written after that.
    """

    def __init__(
        self,
        store: Store,
        *,
        threaded: bool,
        before_commit: Callable[[Batch], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._store = store
        self._before_commit = before_commit
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Committed] = []
        self._written: list[Committed] = []
        self._busy = False
        self._wanted = False
        self._broken = False
        self._lazy: asyncio.TimerHandle | None = None
        self._queue: SimpleQueue[Batch | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        if threaded:
            # A daemon: after a bug on the loop the process ends; a half-written commit is none.
            self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
            self._thread.start()
        self.batch = Batch()  # what the next transaction writes: add to it, then call `commit`

    def write(self, statement: str, *row: int | str | bytes) -> None:
        """Let the next commit run a statement; `commit` says when it is durable."""
        self.batch.statements.append((statement, row))

    def on_commit(self, callback: Committed) -> None:
        """Write the present batch soon, and run `callback` on the loop once it is durable."""
        self._waiting.append(callback)
        self._want()

    async def commit(self) -> None:
        """Write the present batch soon; return once it is durable."""
        durable = self._loop.create_future()
        self.on_commit(lambda: resolve(durable))
        await durable

    def commit_lazily(self) -> None:
        """Write the present batch with the next commit, or in a moment."""
        if not self._lazy and not self._wanted:
            self._lazy = self._loop.call_later(LAZY_SECONDS, self._want)

    async def close(self) -> None:
        """Write all that is left and end the thread."""
        if not self._broken:
            await self.commit()
        if self._lazy:
            self._lazy.cancel()
        if self._thread:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)

    def _want(self) -> None:
        if not self._wanted:
            self._wanted = True
            self._loop.call_soon(self._start)

    def _start(self) -> None:
        if self._busy or self._broken or not self._wanted:
            return
        if self._lazy:
            self._lazy.cancel()
            self._lazy = None
        self._wanted, self._busy = False, True
        self._before_commit(self.batch)
        batch, self.batch = self.batch, Batch()
        self._written, self._waiting = self._waiting, []
        if self._thread:
            self._queue.put(batch)
        else:
            self._finish(self._apply(batch))

    def _write(self) -> None:
        while (batch := self._queue.get()) is not None:
            self._loop.call_soon_threadsafe(self._finish, self._apply(batch))

    def _apply(self, batch: Batch) -> Exception | None:
        try:
            self._store.apply(batch)
        except Exception as error:  # the thread's edge: told on the loop, where it ends the process
            return error
        return None

    def _finish(self, error: Exception | None) -> None:
        self._busy = False
        if error:
            self._broken = True
            self._failed(error)
            return
        for callback in self._written:
            callback()
        if self._wanted:
            self._loop.call_soon(self._start)
