"""Do nothing, in the way that the payload asks for. Touches nothing outside the process."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from functions.noop.payload import Noop
from shared.domain.outcome import RejectTask, RetryLater
from shared.edges.task_context import TaskContext


async def noop(
    payload: Noop,
    context: TaskContext,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:
    """Wait, burn CPU, then reject, fail or return `{"result", "attempt"}`. Safe to repeat.

    Burning CPU blocks the event loop, as a careless handler does.
    Raises: RejectTask, RetryLater or RuntimeError, as the payload asks.
    """
    if payload.sleep_seconds:
        await sleep(payload.sleep_seconds)
    if payload.cpu_seconds:
        _burn(payload.cpu_seconds, clock)
    if payload.reject:
        raise RejectTask("rejected, as the payload asks")
    if context.attempt <= payload.fail_times:
        _fail(payload, context.attempt)
    return {"result": payload.result, "attempt": context.attempt}


def _burn(seconds: float, clock: Callable[[], float]) -> None:
    end = clock() + seconds
    while clock() < end:
        pass


def _fail(payload: Noop, attempt: int) -> None:
    reason = f"attempt {attempt} of {payload.fail_times} that fail, as the payload asks"
    if payload.retry_after_seconds is not None:
        raise RetryLater(payload.retry_after_seconds, reason)
    raise RuntimeError(reason)
