"""Schedules on each implementation, and the ledger that their runs go to."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from shared.adapters.memory import MemoryLedger
from shared.adapters.memory_desk import MemoryAudit
from shared.adapters.memory_schedules import MemorySchedules
from shared.adapters.pg_calls import Calls
from shared.adapters.pg_desk import PostgresAudit
from shared.adapters.pg_schedules import PostgresSchedules
from shared.adapters.postgres import PostgresLedger
from shared.domain.desk_ports import Audit
from shared.domain.ports import Ledger
from shared.domain.schedule import Schedules
from tests.support.clock import FakeClock
from tests.support.postgres import PostgresServer, fresh_database

DATABASE = "schedules_contract"


@dataclass
class Bench:
    """What is under test, twice where two relays are; `pass_time` lets seconds go by for it."""

    schedules: Schedules
    other: Schedules
    ledger: Ledger
    audit: Audit
    pass_time: Callable[[float], Awaitable[None]]


@pytest.fixture(scope="session")
def database(postgres: PostgresServer) -> str:
    return fresh_database(postgres, DATABASE)


@pytest.fixture(params=["memory", "postgres"])
async def bench(request, postgres: PostgresServer) -> AsyncIterator[Bench]:
    if request.param == "memory":
        clock = FakeClock()
        ledger = MemoryLedger(clock)
        audit = MemoryAudit(ledger)
        schedules = MemorySchedules(ledger, audit)

        async def advance(seconds: float) -> None:
            clock.advance(seconds)

        yield Bench(schedules, schedules, ledger, audit, advance)
        return
    url = request.getfixturevalue("database")
    postgres.run("TRUNCATE tasks, schedules, audit CASCADE", DATABASE)
    real, calls = PostgresLedger(url), [Calls(url), Calls(url)]

    async def rewind(seconds: float) -> None:
        postgres.run(f"UPDATE schedules SET next_at = next_at - interval '{seconds} s'", DATABASE)

    first, second = (PostgresSchedules(one) for one in calls)
    yield Bench(first, second, real, PostgresAudit(calls[0]), rewind)
    real.close()
    for one in calls:
        one.close()


@pytest.fixture
def schedules(bench: Bench) -> Schedules:
    return bench.schedules


@pytest.fixture
def ledger(bench: Bench) -> Ledger:
    return bench.ledger


@pytest.fixture
def audit(bench: Bench) -> Audit:
    return bench.audit


@pytest.fixture
def pass_time(bench: Bench) -> Callable[[float], Awaitable[None]]:
    return bench.pass_time
