"""Write down that a run began and that it ended. The file is the third ledger."""

import asyncio
import os
from uuid import uuid4

from functions.record.payload import Record

from shared.edges.task_context import TaskContext


async def record(payload: Record, context: TaskContext) -> dict[str, str]:
    """Append `began` and, when it does not fail, `ended`, each with this run's own id.

    Raises: RuntimeError in the attempts that shall fail.
    """
    run = str(uuid4())
    _append(payload.file, "began", context, run)
    await asyncio.sleep(payload.sleep_seconds)
    if context.attempt <= payload.fail_times:
        raise RuntimeError(f"attempt {context.attempt} of {payload.fail_times} that fail")
    _append(payload.file, "ended", context, run)
    return {"run": run}


def _append(file: str, what: str, context: TaskContext, run: str) -> None:
    """One write of one line: lines of many processes do not mix, and a kill loses none."""
    line = f"{what} {context.task_id} {context.generation} {context.attempt} {run}\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
