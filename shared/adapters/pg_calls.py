"""Statements that are not worth a batch: one thread with one connection, one call after another."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pg8000.native

from shared.adapters.pg_connection import connect, is_away
from shared.domain.errors import LedgerUnavailable


class Calls:
    """Runs one statement at a time; each is a transaction of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-calls")
        self._connection: pg8000.native.Connection | None = None

    async def run(self, statement: str, **values: Any) -> list[list[Any]]:
        """The rows of `statement` with its named `values`.

        Raises: LedgerUnavailable when Postgres did not answer: it may have happened.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._run, statement, values)

    def close(self) -> None:
        """End the thread and its connection."""
        self._thread.submit(self._disconnect)
        self._thread.shutdown(wait=True)

    def _run(self, statement: str, values: dict[str, Any]) -> list[list[Any]]:
        try:
            if self._connection is None:
                self._connection = connect(self._url)
            return list(self._connection.run(statement, **values) or ())
        except Exception as error:
            if not is_away(error):
                raise
            self._disconnect()
            raise LedgerUnavailable(f"postgres did not answer ({type(error).__name__})") from error

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            with suppress(OSError, pg8000.native.InterfaceError):  # it is given up either way
                connection.close()
