"""The ledger on Postgres: the hot moves go through the batcher, what is rare through a connection
of its own, reads by hand of a person through SQLAlchemy (`pg_reads`)."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from shared.adapters.batcher import Batcher, Standing
from shared.adapters.pg_add import ADD, EARLIER, MARK_PUBLISHED, earlier_of, new_row
from shared.adapters.pg_calls import Calls
from shared.adapters.pg_claim import CLAIM, HOLD, PUT_BACK, REFUSED
from shared.adapters.pg_connection import REVISION
from shared.adapters.pg_due import DueMoves
from shared.adapters.pg_finish import FINISH, RENEW
from shared.adapters.pg_run import STOPS, RunMoves
from shared.domain.blob import blob_of
from shared.domain.errors import IdempotencyConflict, LeaseLost, LedgerUnavailable
from shared.domain.ledger_rules import LEASE_BEYOND_LIMIT_SECONDS, RENEW_SECONDS, STOPS_SECONDS
from shared.domain.ports import TaskFilter, nothing
from shared.domain.settlement import Settlement
from shared.domain.task import (
    FINAL,
    Claim,
    NewTask,
    Outgoing,
    Refusal,
    State,
    Stored,
    Task,
)
from shared.domain.task_type import TaskType


class PostgresLedger(RunMoves, DueMoves):
    """See `Ledger` and `Runs`. Connects at the first use; one thread commits for everybody."""

    def __init__(
        self,
        url: str,
        *,
        renew_seconds: float = RENEW_SECONDS,
        stops_seconds: float = STOPS_SECONDS,
    ) -> None:
        self._url = url
        standing = (Standing(RENEW, renew_seconds), Standing(STOPS, stops_seconds))
        self._batcher = Batcher(url, standing)
        self._calls = Calls(url)

    async def add(self, tasks: Sequence[NewTask]) -> list[Stored | IdempotencyConflict]:
        """See `Ledger.add`."""
        rows = await self._batcher.run(ADD, [new_row(task) for task in tasks])
        repeated = [task for task, row in zip(tasks, rows, strict=True) if row is None]
        earlier = iter(await self._earlier(repeated))
        return [
            Stored(task.id, task.task_type, State(row["state"]), row["created_at"], is_new=True)
            if row
            else next(earlier)
            for task, row in zip(tasks, rows, strict=True)
        ]

    async def _earlier(self, tasks: list[NewTask]) -> list[Stored | IdempotencyConflict]:
        """What the idempotency keys of tasks that were not added stand for."""
        if not tasks:
            return []
        asked = [{"idempotency_key": task.idempotency_key} for task in tasks]
        rows = await self._batcher.run(EARLIER, asked)
        return [earlier_of(task, row) for task, row in zip(tasks, rows, strict=True)]

    async def mark_published(self, tasks: Sequence[Outgoing]) -> None:
        """See `Ledger.mark_published`."""
        items = [{"id": str(task.id), "generation": task.generation} for task in tasks]
        await self._batcher.run(MARK_PUBLISHED, items)

    async def claim(self, task_id: UUID, generation: int, task_type: TaskType) -> Claim | Refusal:
        """See `Ledger.claim`."""
        row = await self._batcher.run_one(
            CLAIM,
            {
                "id": str(task_id),
                "generation": generation,
                "max_attempts": task_type.limits.max_attempts,
            },
        )
        if row is None:
            return await self._refusal(task_id, generation)
        if row["state"] == State.DEAD:
            return Refusal.SPENT
        return Claim(
            task_id=task_id,
            generation=generation,
            task_type=row["task_type"],
            attempt=row["attempt"],
            token=row["token"],
            payload=row["payload"],
            labels=row["labels"],
            created_at=row["created_at"],
            traceparent=row["traceparent"],
            concurrency_key=row["concurrency_key"],
            payload_blob=blob_of(row["payload_blob"]),
        )

    async def hold(self, task_id: UUID, generation: int) -> bool:
        """See `Ledger.hold`."""
        item = {"id": str(task_id), "generation": generation}
        return await self._batcher.run_one(HOLD, item) is not None

    async def put_back(self, claim: Claim, seconds: float) -> None:
        """See `Ledger.put_back`."""
        item = {"id": str(claim.task_id), "token": claim.token, "seconds": seconds}
        if await self._batcher.run_one(PUT_BACK, item) is None:
            raise LeaseLost(claim.task_id, claim.token)

    async def _refusal(self, task_id: UUID, generation: int) -> Refusal:
        row = await self._batcher.run_one(REFUSED, {"id": str(task_id)})
        if row is None:
            return Refusal.UNKNOWN
        if row["generation"] != generation:
            return Refusal.STALE_GENERATION
        if row["state"] in FINAL:
            return Refusal.FINAL
        if row["leased"]:
            return Refusal.RUNNING
        if row["expired"]:
            return Refusal.EXPIRED
        if row["early"]:
            return Refusal.NOT_YET
        return Refusal.PAUSED if row["paused"] else Refusal.CONTENDED

    @asynccontextmanager
    async def renewing(
        self, claim: Claim, time_limit_seconds: float, on_cancel: Callable[[], object] = nothing
    ) -> AsyncIterator[None]:
        """See `Ledger.renewing`. The batcher's thread renews, so a blocked event loop does not
        lose its lease."""
        until = time.monotonic() + time_limit_seconds + LEASE_BEYOND_LIMIT_SECONDS
        key = (claim.task_id, claim.token)
        item = {"id": str(claim.task_id), "token": claim.token}
        self._batcher.hold(key, item, until, lambda row: row["stop"] and on_cancel())
        try:
            yield
        finally:
            self._batcher.let_go(key)

    async def finish(self, claim: Claim, settlement: Settlement) -> State:
        """See `Ledger.finish`."""
        s = settlement
        row = await self._batcher.run_one(
            FINISH,
            {
                "id": str(claim.task_id),
                "token": claim.token,
                "state": s.state,
                "outcome": s.outcome,
                "result": s.result,
                "error": s.failure.as_json() if s.failure else None,
                "due_in": s.due_in_seconds,
                "due_at": s.due_at.isoformat() if s.due_at else None,
                "hold": s.hold,
                "copy": s.copy,
                "cost": int(s.costs_attempt),
            },
        )
        if row is None:
            raise LeaseLost(claim.task_id, claim.token)
        return State(row["state"])

    async def get(self, task_id: UUID) -> Task | None:
        """See `Ledger.get`."""
        from shared.adapters.pg_reads import reads_of

        return await asyncio.to_thread(reads_of(self._url).get, task_id)

    async def find(self, wanted: TaskFilter, *, after: UUID | None, limit: int) -> list[Task]:
        """See `Ledger.find`."""
        from shared.adapters.pg_reads import reads_of

        return await asyncio.to_thread(reads_of(self._url).find, wanted, after, limit)

    async def cancel(self, task_id: UUID) -> tuple[Task | None, bool]:
        """See `Ledger.cancel`."""
        [state] = await self.cancel_all([task_id])
        return await self.get(task_id), state is not None

    async def ping(self) -> None:
        """See `Ledger.ping`."""
        rows = await self._calls.run("SELECT to_regclass('alembic_version') IS NOT NULL")
        if rows[0][0]:
            rows = await self._calls.run("SELECT version_num FROM alembic_version")
        found = rows[0][0] if rows and isinstance(rows[0][0], str) else "none"
        if found == "none" or found < REVISION:
            raise LedgerUnavailable(
                f"the schema is at revision {found} and {REVISION} is needed: "
                "run `cloudtasker migrate`"
            )

    def close(self) -> None:
        """End the threads once what waits is done."""
        self._batcher.close()
        self._calls.close()
