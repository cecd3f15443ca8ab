"""A storm over the real stack, and what is left of it."""

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

import pg8000.native

from emulators.stack.valkey import Valkey, find_binary
from shared.adapters.pg_connection import connect_arguments
from tests.chaos.checkout import checkout
from tests.chaos.clients import Clients, Told
from tests.chaos.ledgers import Effects, Row, broken_promises, rows_of
from tests.chaos.proxy import FaultProxy
from tests.chaos.weather import ValkeyServer, Weather
from tests.e2e.local_stack import LocalStack
from tests.support.ports import free_port
from tests.support.postgres import fresh_database, postgres_server

CALM_SECONDS: Final = 240.0
"""How long we look whether everything ends once the faults have."""
QUIET_SECONDS: Final = 60.0
"""How long that may take: a lease that nobody holds any more, a retry, and two runs of 12 s."""


@dataclass
class Aftermath:
    """What a storm left behind; `broken` is empty when every promise was kept."""

    seed: int
    told: Told
    rows: dict[str, Row]
    broken: list[str]
    calm_seconds: float
    runs: int
    weather: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    """What became of the task that ended last, in seconds after the last fault."""

    def summary(self) -> str:
        """One line of figures."""
        states: dict[str, int] = {}
        for row in self.rows.values():
            states[row.state] = states.get(row.state, 0) + 1
        slow = sorted(self.told.seconds)
        p99 = slow[int(len(slow) * 0.99)] if slow else 0.0
        return (
            f"seed {self.seed}: {len(self.told.ids)} accepted, {len(self.rows)} rows {states}, "
            f"{self.runs} runs, {self.told.refused} refusals on the way, "
            f"{self.told.unknown} never answered, enqueue p99 {p99:.1f} s with its repeats, "
            f"quiet {self.calm_seconds:.0f} s after the last fault, {len(self.weather)} faults"
        )


def storm(folder: Path, seed: int, seconds: float, per_second: float, every: float) -> Aftermath:
    """Load of `per_second` tasks for `seconds`, a fault each `every` seconds; then calm."""
    random = Random(seed)
    effects = folder / "effects"
    with ExitStack() as running:
        postgres = running.enter_context(postgres_server(fsync="on"))
        url = fresh_database(postgres, "chaos")
        proxy = FaultProxy(urlsplit(url).port or 0)
        running.callback(proxy.close)
        valkey = _valkey(folder)
        running.callback(valkey.kill)
        stack = LocalStack(
            folder, root=checkout(folder), environ=_environ(folder, url, proxy, valkey)
        )
        running.callback(stack.stop)
        stack.start()
        weather = Weather(stack, postgres, proxy, valkey, random)
        clients = Clients(stack.state["rest"], str(effects), random, per_second)
        clients.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(random.random() * 2 * every)
            weather.strike()
        weather.clear()
        cleared = time.time()
        clients.stop()
        calm = _calm(url)
        rows, last = _rows(url), _last(url, cleared)
    written = Effects.read(effects)
    broken = broken_promises(clients.told, rows, written)
    return Aftermath(seed, clients.told, rows, broken, calm, len(written.began), weather.log, last)


def _valkey(folder: Path) -> ValkeyServer:
    valkey = Valkey(find_binary(os.environ), folder / "valkey", free_port())
    return ValkeyServer(list(valkey.program().argv), valkey.port, str(folder))


def _environ(folder: Path, url: str, proxy: FaultProxy, valkey: ValkeyServer) -> dict[str, str]:
    parts = urlsplit(url)
    through = parts._replace(netloc=f"{parts.username}@127.0.0.1:{proxy.port}").geturl()
    port = valkey.client.connection_pool.connection_kwargs["port"]
    return {
        "CLOUDTASKER_DATABASE_URL": through,
        "CLOUDTASKER_REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "PYTHONPATH": str(folder / "checkout"),
    }


def _calm(url: str) -> float:
    """Seconds until every row is final, at most CALM_SECONDS."""
    began = time.monotonic()
    while (took := time.monotonic() - began) < CALM_SECONDS:
        if not _asked(url, "SELECT 1 FROM tasks WHERE finished_at IS NULL LIMIT 1"):
            return took
        time.sleep(0.5)
    return took


def _rows(url: str) -> dict[str, Row]:
    connection = pg8000.native.Connection(**connect_arguments(url))
    try:
        return rows_of(connection)
    finally:
        connection.close()


LAST_TO_END: Final = """
    SELECT 'created', created_at, finished_at, returns::text, payload::text FROM last
    UNION ALL
    SELECT outcome, a.started_at, a.finished_at, a.number::text, a.error::text
      FROM attempts a JOIN last ON last.id = a.task_id"""


def _last(url: str, since: float) -> list[str]:
    """The row of the task that ended last, and its attempts."""
    one = "SELECT * FROM tasks ORDER BY finished_at DESC NULLS FIRST LIMIT 1"
    found = _asked(url, f"WITH last AS ({one}) {LAST_TO_END} ORDER BY 2")

    def after(moment: datetime | None) -> str:
        return f"{moment.timestamp() - since:.1f}" if moment else "never"

    return [
        f"{what} {number}: {after(began)} to {after(ended)} s, {more}"
        for what, began, ended, number, more in found
    ]


def _asked(url: str, statement: str) -> Any:
    connection = pg8000.native.Connection(**connect_arguments(url))
    try:
        return connection.run(statement)
    finally:
        connection.close()
