"""Enqueue inside a transaction of the caller's own: task and business data are stored together.

For programs whose tables stand in the database that holds the tasks.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.bootstrap import checker
from shared.domain.errors import IdempotencyConflict
from shared.domain.task import Stored
from shared.domain.trace import traceparent_of

if TYPE_CHECKING:
    from sqlalchemy import Connection


def enqueue_in(
    connection: "Connection",
    task_type: str,
    payload: Mapping[str, Any],
    *,
    run_at: datetime | None = None,
    traceparent: str = "",
    **options: Any,
) -> Stored:
    """Store a task in the transaction of `connection`; its commit is the acceptance.

    Rolled back, there is no task. Committed, the relay publishes it within about three seconds,
    counted from the transaction's begin: nothing is published before the commit, and nothing by
    this process. `options` are the other fields of the REST API's EnqueueRequest, such as
    `idempotency_key` or `delay_seconds`. With an idempotency key a second transaction of the same
    key waits for the end of the first.

    Of an asynchronous connection: `await connection.run_sync(enqueue_in, "send_email", {…})`; of an
    ORM session: `session.connection()`.

    Raises: InvalidRequest, UnknownTaskType, IdempotencyConflict: nothing was added. What SQLAlchemy
    raises: the transaction is broken.
    """
    from shared.adapters.pg_enqueue_in import add_in

    asked = {"task_type": task_type, "payload": dict(payload), **options}
    if run_at is not None:
        asked["run_at"] = run_at.isoformat()
    task = checker().check(asked, traceparent_of(traceparent, os.urandom(24)))
    outcome = add_in(connection, task)
    if isinstance(outcome, IdempotencyConflict):
        raise outcome
    return outcome
