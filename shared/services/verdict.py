"""What a handler did, as a verdict: its result, or what it raised. Nothing of it escapes."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from shared.domain.json_value import unstorable
from shared.domain.outcome import (
    Cancelled,
    Failed,
    Failure,
    Postponed,
    Rejected,
    RejectTask,
    RetryLater,
    Snooze,
    Snoozed,
    Succeeded,
    TaskCancelled,
    Verdict,
)
from shared.domain.payload import Payload
from shared.services.run import Run

Handle = Callable[[Any, Run], Awaitable[Any]]
"""The work: the checked payload and the run in, a JSON value out."""

MAX_MESSAGE: Final = 2000
MAX_RESULT_BYTES: Final = 1_000_000


async def verdict_of(
    handle: Handle, payload: Payload, run: Run, non_retryable: Sequence[str]
) -> Verdict:
    """What `handle` did with `payload`. Only a cancellation that nobody asked for goes on."""
    try:
        return _success(await handle(payload, run))
    except asyncio.CancelledError:
        if run.cancelled:
            return Cancelled()
        raise
    except TaskCancelled as stopped:
        return Cancelled() if run.cancelled else Failed(_failure(stopped))
    except RejectTask as reject:
        return Rejected(_failure(reject))
    except RetryLater as later:
        return Postponed(later.after_seconds, _failure(later))
    except Snooze as snooze:
        return Snoozed(snooze.until, _failure(snooze))
    except Exception as failed:
        names = {kind.__name__ for kind in type(failed).__mro__}
        final = names.intersection(non_retryable)
        return Rejected(_failure(failed)) if final else Failed(_failure(failed))


def _success(result: Any) -> Verdict:
    """A result that the row cannot hold is the handler's failure, not the ledger's."""
    if problem := unstorable(result):
        return Failed(Failure("ResultNotJson", f"the result cannot be stored: {problem}"))
    size = len(json.dumps(result))
    if size > MAX_RESULT_BYTES:
        return Failed(Failure("ResultTooLarge", f"{size} bytes, over {MAX_RESULT_BYTES}"))
    return Succeeded(result)


def _failure(raised: Exception) -> Failure:
    said = str(raised) or type(raised).__name__
    clean = said.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
    return Failure(type(raised).__name__, clean[:MAX_MESSAGE])
