"""What is noted of tasks that were accepted, whichever edge took them: a count each, and a line."""

from collections.abc import Sequence

from shared import metrics
from shared.domain.errors import CloudTaskerError
from shared.domain.task import Stored
from shared.services.enqueue import Outcome
from shared.telemetry import Event, log


def note_accepted(stored: Stored, traceparent: str) -> None:
    """Count the task, and log it unless it is the earlier one of an idempotency key."""
    if _is_counted_as_new(stored):
        log(
            Event.TASK_ENQUEUED,
            task_id=str(stored.id),
            task_type=stored.task_type,
            traceparent=traceparent,
        )


def note_outcomes(outcomes: Sequence[Outcome], traceparent: str) -> None:
    """Count the tasks of a batch, and log them in one line: a line costs more than a task does.

    The line has the trace, which every row of the batch has too.
    """
    stored = [one for one in outcomes if not isinstance(one, CloudTaskerError)]
    new = sum(_is_counted_as_new(one) for one in stored)
    if outcomes:
        log(
            Event.TASK_ENQUEUED,
            message=f"batch of {len(outcomes)}: {new} tasks enqueued",
            enqueued=new,
            replayed=len(stored) - new,
            refused=len(outcomes) - len(stored),
            traceparent=traceparent,
        )


def _is_counted_as_new(stored: Stored) -> bool:
    counter = metrics.TASKS_ENQUEUED if stored.is_new else metrics.TASKS_REPLAYED
    counter.add(stored.task_type)
    return stored.is_new
