"""What a handler is given beside its payload."""

from dataclasses import dataclass, field
from uuid import UUID

from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class TaskContext:
    """The task that runs. `attempt` counts from 1; `settings` are the process's."""

    task_id: UUID
    task_type: str
    attempt: int
    max_attempts: int
    generation: int
    traceparent: str
    settings: Settings
    labels: dict[str, str] = field(default_factory=dict)
