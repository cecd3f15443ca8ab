"""What a run writes while it runs: progress, effects; and how it learns that it shall stop.

Each statement is fenced by the token, as `pg_finish.FINISH` is, and for many runs at once.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from shared.adapters.batcher import Batcher, Row, Statement
from shared.adapters.pg_finish import CANCEL
from shared.domain.errors import LeaseLost
from shared.domain.task import Claim, Effect, Glimpse, State

# The runs of this process that are asked to stop, read between two renewals.
STOPS: Final = Statement(
    "stops",
    """
    WITH kept AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS k(n int, id uuid, token bigint)
    )
    SELECT kept.n, true FROM kept JOIN tasks t ON t.id = kept.id AND t.token = kept.token
     WHERE t.id = ANY (ARRAY(SELECT id FROM kept)) AND t.cancel_requested_at IS NOT NULL""",
    ("stop",),
)

# No index has the column, so the row changes in place.
PROGRESS: Final = Statement(
    "progress",
    """
    WITH said AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb))
               AS s(n int, id uuid, token bigint, percent float8, text text)
    ), held AS (
        SELECT t.id, said.n, said.percent, said.text
          FROM tasks t JOIN said ON said.id = t.id AND said.token = t.token
         WHERE t.id = ANY (ARRAY(SELECT id FROM said))
           AND t.state = 'running' ORDER BY t.id FOR UPDATE OF t
    )
    UPDATE tasks t
       SET progress = jsonb_build_object('percent', held.percent, 'text', held.text, 'at', now())
      FROM held WHERE t.id = held.id
 RETURNING held.n, true""",
    ("written",),
)

# No row: the token is no longer the task's, so the effect must not be begun.
RECALL: Final = Statement(
    "recall",
    """
    WITH asked AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb))
               AS a(n int, id uuid, token bigint, key text)
    )
    SELECT asked.n, e.task_id IS NOT NULL, e.result
      FROM asked JOIN tasks t ON t.id = asked.id AND t.token = asked.token AND t.state = 'running'
           LEFT JOIN effects e ON e.task_id = asked.id AND e.key = asked.key
     WHERE t.id = ANY (ARRAY(SELECT id FROM asked))""",
    ("recorded", "result"),
)

# The first record of a key stays.
RECORD: Final = Statement(
    "record",
    """
    WITH done AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb))
               AS d(n int, id uuid, token bigint, key text, result jsonb)
    ), held AS (
        SELECT t.id, done.n, done.token, done.key, done.result
          FROM tasks t JOIN done ON done.id = t.id AND done.token = t.token
         WHERE t.id = ANY (ARRAY(SELECT id FROM done))
           AND t.state = 'running' ORDER BY t.id FOR UPDATE OF t
    ), recorded AS (
        INSERT INTO effects (task_id, key, token, result, recorded_at)
        SELECT DISTINCT ON (id, key) id, key, token, result, now() FROM held ORDER BY id, key, n
        ON CONFLICT (task_id, key) DO NOTHING
    )
    SELECT held.n, true FROM held""",
    ("recorded",),
)


class RunMoves:
    """The part of `PostgresLedger` that a run uses between its claim and its finish."""

    _batcher: Batcher
    _url: str

    async def cancel_all(self, task_ids: Sequence[UUID]) -> list[State | None]:
        """See `Ledger.cancel_all`."""
        rows = await self._batcher.run(CANCEL, [{"id": str(one)} for one in task_ids])
        return [State(row["state"]) if row else None for row in rows]

    async def glimpse(self, task_ids: Collection[UUID]) -> dict[UUID, Glimpse]:
        """See `Watched.glimpse`."""
        from shared.adapters.pg_reads import reads_of

        return await asyncio.to_thread(reads_of(self._url).glimpse, task_ids)

    async def say_progress(self, claim: Claim, percent: float, text: str) -> None:
        """See `Runs.say_progress`."""
        await self._fenced(PROGRESS, claim, percent=percent, text=text)

    async def recall(self, claim: Claim, key: str) -> Effect | None:
        """See `Runs.recall`."""
        row = await self._fenced(RECALL, claim, key=key)
        return Effect(row["result"]) if row["recorded"] else None

    async def record(self, claim: Claim, key: str, effect: Effect) -> None:
        """See `Runs.record`."""
        await self._fenced(RECORD, claim, key=key, result=effect.result)

    async def _fenced(self, statement: Statement, claim: Claim, **values: Any) -> Row:
        item = {"id": str(claim.task_id), "token": claim.token, **values}
        row = await self._batcher.run_one(statement, item)
        if row is None:
            raise LeaseLost(claim.task_id, claim.token)
        return row
