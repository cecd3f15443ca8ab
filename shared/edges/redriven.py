"""What REST and gRPC note alike when a task was redriven: one line in the log."""

from shared.domain.task import Task
from shared.telemetry import Event, log


def note_redriven(task: Task) -> None:
    """Say that the task is back at work."""
    log(
        Event.TASK_REDRIVEN,
        task_id=str(task.id),
        task_type=task.task_type,
        generation=task.generation,
        traceparent=task.traceparent,
    )
