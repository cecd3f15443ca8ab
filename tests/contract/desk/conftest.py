"""The desk, operations, pauses and the audit of each implementation, beside its ledger."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.adapters.memory import MemoryLedger
from shared.adapters.memory_desk import MemoryAudit, MemoryDesk, MemoryPauses
from shared.adapters.memory_operations import MemoryOperations
from shared.adapters.pg_calls import Calls
from shared.adapters.pg_desk import PostgresAudit, PostgresDesk
from shared.adapters.pg_operations import PostgresOperations
from shared.adapters.pg_pauses import PostgresPauses
from shared.adapters.postgres import PostgresLedger
from shared.domain.desk_ports import Audit, Desk, Operations, Pauses
from shared.domain.outcome import Failure
from shared.domain.ports import Ledger
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import Claim, NewTask, State, Task
from tests.support.clock import FakeClock
from tests.support.postgres import PostgresServer, fresh_database
from tests.support.task_types import greeting_type

DATABASE = "desk_contract"
_TABLES = "tasks, idempotency_keys, dead_letter_desk, operations, paused_types, audit"
_TIMES = {
    "tasks": ("created_at", "due_at", "not_before", "lease_expires_at", "finished_at"),
    "operations": ("created_at", "stepped_at"),
    "dead_letter_desk": ("received_at",),
}


@dataclass
class Bench:
    """All ports of one implementation; `pass_time` lets seconds go by for them."""

    ledger: Ledger
    desk: Desk
    operations: Operations
    pauses: Pauses
    audit: Audit
    pass_time: Callable[[float], Awaitable[None]]

    async def add(self, task_type: str = "greet", **fields: object) -> UUID:
        """A queued task."""
        new = NewTask(uuid7(), task_type, {"name": "Ada"}, "", **fields)  # type: ignore[arg-type]
        await self.ledger.add([new])
        return new.id

    async def claim(self, task_id: UUID, generation: int = 0) -> Claim:
        """Begin an attempt."""
        claim = await self.ledger.claim(task_id, generation, greeting_type())
        assert isinstance(claim, Claim), claim
        return claim

    async def dead(self, message: str = "no", kind: str = "Wrong", **fields: object) -> UUID:
        """A task that was rejected."""
        task_id = await self.add(**fields)  # type: ignore[arg-type]
        await self.bury(task_id, message, kind)
        return task_id

    async def bury(
        self, task_id: UUID, message: str = "no", kind: str = "Wrong", generation: int = 0
    ) -> None:
        """Let an attempt of the task reject it."""
        claim = await self.claim(task_id, generation)
        failure = Failure(kind, message)
        rejected = Settlement(State.DEAD, "rejected", Answer.ACK, failure=failure)
        await self.ledger.finish(claim, rejected)

    async def task(self, task_id: UUID) -> Task:
        """The row, which must be there."""
        task = await self.ledger.get(task_id)
        assert task is not None
        return task

    async def state(self, task_id: UUID) -> State:
        """Where the task stands."""
        return (await self.task(task_id)).state


@pytest.fixture(scope="session")
def database(postgres: PostgresServer) -> str:
    return fresh_database(postgres, DATABASE)


@pytest.fixture(params=["memory", "postgres"])
async def bench(request, postgres: PostgresServer) -> AsyncIterator[Bench]:
    if request.param == "memory":
        yield _in_memory()
        return
    url = request.getfixturevalue("database")
    postgres.run(f"TRUNCATE {_TABLES} CASCADE", DATABASE)
    ledger, calls = PostgresLedger(url), Calls(url)

    async def rewind(seconds: float) -> None:
        """On Postgres the rows' times move back: its clock is not ours to move."""
        for table, columns in _TIMES.items():
            changes = ", ".join(f"{c} = {c} - interval '{seconds} seconds'" for c in columns)
            postgres.run(f"UPDATE {table} SET {changes}", DATABASE)

    yield Bench(
        ledger,
        PostgresDesk(calls),
        PostgresOperations(calls),
        PostgresPauses(calls),
        PostgresAudit(calls),
        rewind,
    )
    ledger.close()
    calls.close()


def _in_memory() -> Bench:
    clock = FakeClock()
    ledger = MemoryLedger(clock)
    audit = MemoryAudit(ledger)
    operations = MemoryOperations(ledger, audit)
    pauses = MemoryPauses(ledger, audit)
    pauses.operations_running = operations.any_running

    async def advance(seconds: float) -> None:
        clock.advance(seconds)

    return Bench(ledger, MemoryDesk(ledger, audit), operations, pauses, audit, advance)
