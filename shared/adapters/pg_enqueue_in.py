"""Store a task in a transaction that somebody else holds, by the very statement of the ledger."""

import json
from typing import TYPE_CHECKING, Any

from shared.adapters.batcher import Row, Statement
from shared.adapters.pg_add import ADD, EARLIER, earlier_of, new_row
from shared.domain.errors import IdempotencyConflict
from shared.domain.task import NewTask, State, Stored

if TYPE_CHECKING:
    from sqlalchemy import Connection


def add_in(connection: "Connection", task: NewTask) -> Stored | IdempotencyConflict:
    """What the ledger did with `task`, once the transaction of `connection` is committed."""
    row = _one(connection, ADD, new_row(task))
    if row:
        return Stored(task.id, task.task_type, State(row["state"]), row["created_at"], is_new=True)
    asked = {"idempotency_key": task.idempotency_key}
    return earlier_of(task, _one(connection, EARLIER, asked))


def _one(connection: "Connection", statement: Statement, item: dict[str, Any]) -> Row | None:
    from sqlalchemy import text

    items = json.dumps([{"n": 0, **item}])
    found = connection.execute(text(statement.sql), {"items": items}).first()
    return dict(zip(statement.columns, found[1:], strict=True)) if found else None
