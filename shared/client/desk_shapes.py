"""The JSON of the dead-letter desk, operations, queues and the audit as types. No behaviour."""

from typing import Any, TypedDict


class ErrorGroup(TypedDict):
    """Dead tasks whose errors differ in nothing but ids, numbers and quoted texts."""

    group: str
    task_type: str
    kind: str
    message: str
    count: int
    first_seen_at: str
    last_seen_at: str
    newest_task_id: str


class ErrorGroups(TypedDict):
    """The groups among the `looked_at` newest dead tasks, at most `limit`."""

    groups: list[ErrorGroup]
    looked_at: int
    limit: int


class DeadTask(TypedDict):
    """A dead task with its group."""

    task_id: str
    task_type: str
    generation: int
    error: dict[str, str] | None
    died_at: str
    group: str


class RawDelivery(TypedDict):
    """A delivery that no task answers for; `data` is base64."""

    message_id: str
    subscription: str
    reason: str
    received_at: str
    delivery_attempt: int
    ordering_key: str
    attributes: dict[str, str]
    data: str


class OperationFilter(TypedDict, total=False):
    """Which tasks an operation concerns: all conditions hold; none means all of them."""

    task_type: str
    state: str
    labels: dict[str, str]
    created_after: str
    created_before: str
    group: str
    task_ids: list[str]
    until: str


class Preview(TypedDict):
    """What an operation would concern; `until`, put into the filter, means the same tasks."""

    dry_run: bool
    total: int
    by_type: dict[str, int]
    skipped: int
    until: str


class OperationJson(TypedDict):
    """A bulk operation; `total` counts skipped tasks too."""

    operation_id: str
    kind: str
    state: str
    filter: dict[str, Any]
    actor: str
    per_second: float | None
    total: int
    succeeded: int
    skipped: int
    failed: int
    created_at: str
    finished_at: str | None


class OperationItem(TypedDict):
    """One task of an operation; `outcome` is null until it is decided."""

    task_id: str
    generation: int
    outcome: str | None
    reason: str
    decided_at: str | None


class Queue(TypedDict):
    """A task type; counts end at 10,000."""

    task_type: str
    state: str
    running: int
    held: int
    dead: int
    reason: str
    actor: str
    paused_at: str | None


class AuditLine(TypedDict):
    """Who did what."""

    id: int
    at: str
    actor: str
    action: str
    detail: dict[str, Any]
