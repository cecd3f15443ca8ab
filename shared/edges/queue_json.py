"""A task type as an operator sees it, as JSON: what REST answers, and the shape for OpenAPI."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from shared.edges.task_json import Time, maybe_time_json
from shared.services.queues import COUNTED, Queue, QueueState

Capped = Annotated[int, Field(ge=0, le=COUNTED, description=f"{COUNTED} means at least so many.")]


class QueueJson(TypedDict):
    """A task type as an operator sees it."""

    task_type: str
    state: QueueState
    running: Capped
    held: Annotated[Capped, Field(description="Kept back by the pause, until it is resumed.")]
    dead: Capped
    reason: str
    actor: str
    paused_at: Time | None


class QueuesJson(TypedDict):
    """Every task type, by name."""

    queues: list[QueueJson]


def queue_json(queue: Queue) -> QueueJson:
    """One task type."""
    return {
        "task_type": queue.task_type,
        "state": queue.state,
        "running": queue.running,
        "held": queue.held,
        "dead": queue.dead,
        "reason": queue.reason,
        "actor": queue.actor,
        "paused_at": maybe_time_json(queue.paused_at),
    }
