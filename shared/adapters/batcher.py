"""Group commit: one thread with one connection does whatever arrived while its last commit ran.

No timer: an item that comes alone goes alone, and under load batches grow by themselves. A batch is
one statement, so one commit. Knows nothing of tasks.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import pg8000.native

from shared.adapters.pg_connection import RETRYABLE, code_of, connect, is_away, was_left
from shared.domain.errors import LedgerUnavailable

MAX_BATCH: Final = 1000
MAX_TRIES: Final = 3
RECONNECT_PAUSE_SECONDS: Final = 0.2

Item = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """SQL over the recordset `:items`; each item has its place `n`, each row starts with that `n`.

    An item without a row got nothing.
    """

    name: str
    sql: str
    columns: tuple[str, ...] = ()


@dataclass(slots=True)
class _Entry:
    statement: Statement
    items: Sequence[Item]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[list[Row | None]]"


@dataclass(slots=True)
class Standing:
    """A statement that is repeated for the items held, while any is held."""

    statement: Statement
    every_seconds: float
    next_at: float = 0.0


@dataclass(slots=True)
class _Held:
    item: Item
    until: float
    told: Callable[[Row], object]
    loop: asyncio.AbstractEventLoop


class Batcher:
    """Runs statements for many callers at once. Start is lazy; the thread dies with the process."""

    def __init__(self, url: str, standing: Sequence[Standing] = ()) -> None:
        self._url = url
        self._waiting: list[_Entry] = []
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._connection: pg8000.native.Connection | None = None
        self._prepared: dict[Statement, Any] = {}
        self._failed_at = float("-inf")
        self._closed = False
        self._standing = standing
        self._held: dict[object, _Held] = {}

    async def run(self, statement: Statement, items: Sequence[Item]) -> list[Row | None]:
        """The row of each item, in order, once its batch is committed.

        Raises: LedgerUnavailable when Postgres did not answer: it may have happened.
        """
        loop = asyncio.get_running_loop()
        entry = _Entry(statement, items, loop, loop.create_future())
        with self._wake:
            self._waiting.append(entry)
            self._start()
            self._wake.notify()
        return await entry.future

    async def run_one(self, statement: Statement, item: Item) -> Row | None:
        """As `run`, for one item."""
        [row] = await self.run(statement, [item])
        return row

    def hold(
        self, key: object, item: Item, until: float, told: Callable[[Row], object] = bool
    ) -> None:
        """Repeat the standing statements for `item` until `until` (monotonic) or `let_go`.

        `told` is called on the event loop with each row that one of them has for the item.
        """
        held = _Held(item, until, told, asyncio.get_running_loop())
        with self._wake:
            is_first = not self._held
            self._held[key] = held
            if is_first:  # else the thread already waits no longer than to the next turn
                for standing in self._standing:
                    standing.next_at = time.monotonic() + standing.every_seconds
                self._start()
                self._wake.notify()

    def let_go(self, key: object) -> None:
        """End what `hold` began."""
        with self._wake:
            self._held.pop(key, None)

    def close(self) -> None:
        """End the thread once it has done what waits."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread:
            self._thread.join(timeout=10)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="group-commit", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            batch = self._next_batch()
            if batch is None:
                self._disconnect()
                return
            for statement, entries in _by_statement(batch):
                self._answer(entries, self._outcome(statement, entries))

    def _next_batch(self) -> list[_Entry] | None:
        """What waits, or nothing but standing work; None when closed."""
        with self._wake:
            while not self._waiting and not self._closed and not self._standing_due():
                self._wake.wait(self._patience())
            # Who gave up while the server said nothing is not served: it may be back already.
            taken = [entry for entry in self._waiting if not entry.future.done()]
            self._waiting = []
            if not taken and self._closed:
                return None
        self._repeat_standing()
        return taken

    def _patience(self) -> float | None:
        if not self._held or not self._standing:
            return None
        next_at = min(standing.next_at for standing in self._standing)
        return max(0.0, next_at - time.monotonic())

    def _standing_due(self) -> list[Standing]:
        now = time.monotonic()
        return [one for one in self._standing if one.next_at <= now] if self._held else []

    def _repeat_standing(self) -> None:
        for standing in self._standing_due():
            now = time.monotonic()
            with self._wake:
                held = [one for one in self._held.values() if one.until > now]
                standing.next_at = now + standing.every_seconds
            if held:
                # What fails is tried again at the next turn; the database's clock decides.
                rows = self._guarded(standing.statement, [one.item for one in held])
                _tell(held, rows if isinstance(rows, list) else [])

    def _outcome(
        self, statement: Statement, entries: list[_Entry]
    ) -> list[list[Row | None] | Exception]:
        """One result an entry. A batch that the server refuses is tried entry by entry, so that
        one bad item fails alone."""
        items = [item for entry in entries for item in entry.items]
        rows = self._guarded(statement, items)
        if isinstance(rows, list):
            results: list[list[Row | None] | Exception] = []
            start = 0
            for entry in entries:
                results.append(rows[start : start + len(entry.items)])
                start += len(entry.items)
            return results
        if isinstance(rows, LedgerUnavailable) or len(entries) == 1:
            return [rows] * len(entries)
        return [self._guarded(statement, entry.items) for entry in entries]

    def _guarded(self, statement: Statement, items: Sequence[Item]) -> list[Row | None] | Exception:
        for _ in range(MAX_TRIES):
            try:
                return self._execute(statement, items)
            except Exception as error:
                if is_away(error):
                    self._failed_at = time.monotonic()
                    self._disconnect()
                    return LedgerUnavailable(f"postgres did not answer ({_said(error)})")
                if code_of(error) not in RETRYABLE:
                    return error
                again: Exception = error
        return again

    def _execute(self, statement: Statement, items: Sequence[Item]) -> list[Row | None]:
        prepared = self._prepare(statement)
        numbered = json.dumps([{"n": n, **item} for n, item in enumerate(items)])
        rows: list[Row | None] = [None] * len(items)
        for values in prepared.run(items=numbered) or ():
            rows[values[0]] = dict(zip(statement.columns, values[1:], strict=True))
        return rows

    def _prepare(self, statement: Statement) -> Any:
        """The statement on the server, parsed and planned once for each connection."""
        if self._connection is not None and was_left(self._connection):
            self._disconnect()
        if self._connection is None:
            since = time.monotonic() - self._failed_at
            if since < RECONNECT_PAUSE_SECONDS:
                time.sleep(RECONNECT_PAUSE_SECONDS - since)
            self._connection = connect(self._url)
        if statement not in self._prepared:
            self._prepared[statement] = self._connection.prepare(statement.sql)
        return self._prepared[statement]

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._prepared.clear()
        if connection:
            with suppress(OSError, pg8000.native.InterfaceError):  # it is given up either way
                connection.close()

    def _answer(self, entries: list[_Entry], results: list[list[Row | None] | Exception]) -> None:
        """Hand the results over with one wake-up for each event loop."""
        pairs: dict[asyncio.AbstractEventLoop, list[tuple[_Entry, Any]]] = {}
        for entry, result in zip(entries, results, strict=True):
            pairs.setdefault(entry.loop, []).append((entry, result))
        for loop, settled in pairs.items():
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, settled)


def _tell(held: list[_Held], rows: list[Row | None]) -> None:
    for one, row in zip(held, rows, strict=False):  # no rows at all when the statement failed
        if row is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                one.loop.call_soon_threadsafe(one.told, row)


def _settle(settled: list[tuple[_Entry, Any]]) -> None:
    for entry, result in settled:
        if entry.future.done():
            continue
        if isinstance(result, Exception):
            entry.future.set_exception(result)
        else:
            entry.future.set_result(result)


def _by_statement(entries: list[_Entry]) -> list[tuple[Statement, list[_Entry]]]:
    """Entries of one statement together, in batches of bounded size, in order of arrival."""
    groups: dict[Statement, list[list[_Entry]]] = {}
    for entry in entries:
        batches = groups.setdefault(entry.statement, [[]])
        size = sum(len(waiting.items) for waiting in batches[-1])
        if batches[-1] and size + len(entry.items) > MAX_BATCH:
            batches.append([])
        batches[-1].append(entry)
    return [(statement, batch) for statement, batches in groups.items() for batch in batches]


def _said(error: BaseException) -> str:
    """The server's own words when it had any; never the statement or its values."""
    said = error.args[0] if error.args else ""
    return str(said.get("M", "")) if isinstance(said, dict) else type(error).__name__
