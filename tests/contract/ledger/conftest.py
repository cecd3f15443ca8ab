"""One ledger for each implementation, and a way to let time pass on it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from shared.adapters.memory import MemoryLedger
from shared.adapters.memory_groups import MemoryGroups
from shared.adapters.pg_calls import Calls
from shared.adapters.pg_groups import PostgresGroups
from shared.adapters.postgres import PostgresLedger
from shared.domain.follow_up import Groups
from shared.domain.ports import Ledger
from shared.migrations.grants import grant
from tests.support.clock import FakeClock
from tests.support.postgres import PostgresServer, fresh_database

WORKLOAD = "ledger_contract_workload"
_TIMES = {
    "tasks": (
        "created_at",
        "published_at",
        "due_at",
        "not_before",
        "lease_expires_at",
        "expires_at",
        "finished_at",
    ),
    "idempotency_keys": ("created_at",),
    "dead_letter_copies": ("due_at",),
    "audit": ("at",),
}


@dataclass
class Bench:
    """A ledger under test; `pass_time` lets seconds go by for it."""

    ledger: Ledger
    pass_time: Callable[[float], Awaitable[None]]
    groups: Groups


@pytest.fixture(scope="session")
def database(postgres: PostgresServer) -> str:
    """As a workload's user sees it: what the ledger does must be within its grants."""
    owners = fresh_database(postgres, "ledger_contract")
    postgres.run(f"CREATE ROLE {WORKLOAD} LOGIN")
    grant(owners, [WORKLOAD])
    return owners.replace("postgres@", f"{WORKLOAD}@")


@pytest.fixture(params=["memory", "postgres"])
async def bench(request, postgres: PostgresServer) -> AsyncIterator[Bench]:
    if request.param == "memory":
        clock = FakeClock()

        async def advance(seconds: float) -> None:
            clock.advance(seconds)

        memory = MemoryLedger(clock)
        yield Bench(memory, advance, MemoryGroups(memory))
        return
    url = request.getfixturevalue("database")
    postgres.run(
        "TRUNCATE tasks, task_groups, idempotency_keys, dead_letter_desk, audit CASCADE",
        "ledger_contract",
    )
    ledger = PostgresLedger(url)

    async def rewind(seconds: float) -> None:
        """On Postgres the rows' times move back: its clock is not ours to move."""
        for table, columns in _TIMES.items():
            changes = ", ".join(f"{c} = {c} - interval '{seconds} seconds'" for c in columns)
            postgres.run(f"UPDATE {table} SET {changes}", "ledger_contract")

    calls = Calls(url)
    yield Bench(ledger, rewind, PostgresGroups(calls))
    calls.close()
    ledger.close()


@pytest.fixture
def ledger(bench: Bench) -> Ledger:
    return bench.ledger


@pytest.fixture
def pass_time(bench: Bench) -> Callable[[float], Awaitable[None]]:
    return bench.pass_time


@pytest.fixture
def groups(bench: Bench) -> Groups:
    return bench.groups
