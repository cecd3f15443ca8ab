"""Turns without Redis: what runs stands in the ledger, under leases. A backstop, not the rule.

Exact across processes but for tasks that begin in the very same instant; it costs a count for each
task of a limited type. The rate is kept by each process for itself.
"""

import random
import time
from collections.abc import Callable
from typing import Final

from shared.adapters.pg_calls import Calls
from shared.domain.ledger_rules import LEASE_SECONDS
from shared.domain.slots import Turn

WAIT_SECONDS: Final = 1.0

# Who runs has a lease, whose end is its `due_at`: a narrow range of the index of what is due. Of
# those who run, the first so many have the slots.
_BEFORE: Final = f"""
    SELECT count(*), count(*) FILTER (WHERE o.concurrency_key = me.concurrency_key)
      FROM (SELECT id, started_at, concurrency_key FROM tasks
             WHERE id = CAST(:id AS uuid)) AS me
      JOIN tasks o ON o.due_at > now()
                  AND o.due_at <= now() + interval '{LEASE_SECONDS + 1:g} seconds'
     WHERE o.task_type = :task_type AND o.state = 'running' AND o.lease_expires_at > now()
       AND (o.started_at, o.id) < (me.started_at, me.id)"""  # noqa: S608 - a constant of ours


class PostgresSlots:
    """See `Slots`. Nothing is taken, so nothing is renewed or given back.

    Raises: LedgerUnavailable when Postgres is away too.
    """

    def __init__(self, calls: Calls, *, now: Callable[[], float] = time.monotonic) -> None:
        self._calls = calls
        self._now = now
        self._next: dict[str, float] = {}

    async def ask(self, turn: Turn) -> float | None:
        """See `Slots.ask`."""
        if turn.max_concurrent or turn.key_limit:
            [[of_type, of_key]] = await self._calls.run(
                _BEFORE, id=turn.task_id, task_type=turn.task_type
            )
            if of_type >= (turn.max_concurrent or of_type + 1):
                return self._some_time()
            if of_key >= (turn.key_limit or of_key + 1):
                return self._some_time()
        return self._rate_wait(turn) if turn.rate_per_second else None

    def _rate_wait(self, turn: Turn) -> float | None:
        now, moment = self._now(), self._next.get(turn.task_type, 0.0)
        if moment > now:
            return moment - now
        self._next[turn.task_type] = now + 1 / (turn.rate_per_second or 1)
        return None

    def _some_time(self) -> float:
        return WAIT_SECONDS * (0.5 + random.random())  # noqa: S311 - no secret

    async def renew(self, turn: Turn) -> None:
        """The row's own lease is renewed."""

    async def release(self, turn: Turn, seconds: float) -> None:
        """The row no longer runs."""
