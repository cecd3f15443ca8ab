"""What is noted of a task that was accepted, whichever edge took it: a line and a count."""

from shared import metrics
from shared.domain.task import Stored
from shared.telemetry import Event, log


def note_accepted(stored: Stored, traceparent: str) -> None:
    """Count the task, and log it unless it is the earlier one of an idempotency key."""
    if not stored.is_new:
        metrics.TASKS_REPLAYED.add(stored.task_type)
        return
    metrics.TASKS_ENQUEUED.add(stored.task_type)
    log(
        Event.TASK_ENQUEUED,
        task_id=str(stored.id),
        task_type=stored.task_type,
        traceparent=traceparent,
    )
