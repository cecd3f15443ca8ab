"""Statements that are not worth a batch: one thread with one connection, one call after another."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pg8000.native

from shared.adapters.pg_connection import connect, is_away, was_left
from shared.domain.errors import LedgerUnavailable


class Calls:
    """Runs one statement at a time; each is a transaction of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-calls")
        self._connection: pg8000.native.Connection | None = None
        self._prepared: dict[str, Any] = {}

    @property
    def session(self) -> object | None:
        """The connection there is now: another object once it was lost."""
        return self._connection

    async def run(self, statement: str, **values: Any) -> list[list[Any]]:
        """The rows of `statement` with its named `values`.

        Raises: LedgerUnavailable when Postgres did not answer: it may have happened.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._run, statement, values)

    async def run_often(self, statement: str) -> list[list[Any]]:
        """As `run`, for a statement without values that is asked again and again: it is parsed
        and planned once for each connection."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._run, statement, None)

    def close(self) -> None:
        """End the thread and its connection."""
        self._thread.submit(self._disconnect)
        self._thread.shutdown(wait=True)

    def _run(self, statement: str, values: dict[str, Any] | None) -> list[list[Any]]:
        try:
            if self._connection is not None and was_left(self._connection):
                self._disconnect()
            if self._connection is None:
                self._connection = connect(self._url)
            if values is not None:
                return list(self._connection.run(statement, **values) or ())
            if statement not in self._prepared:
                self._prepared[statement] = self._connection.prepare(statement)
            return list(self._prepared[statement].run() or ())
        except Exception as error:
            if not is_away(error):
                raise
            self._disconnect()
            raise LedgerUnavailable(f"postgres did not answer ({type(error).__name__})") from error

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._prepared.clear()
        if connection:
            with suppress(OSError, pg8000.native.InterfaceError):  # it is given up either way
                connection.close()
