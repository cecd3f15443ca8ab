"""The dead-letter desk, bulk operations, queues and the audit as JSON: what REST answers.

Plain dictionaries with types, from which OpenAPI reads the shapes. No protocol is known here.
"""

import base64
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from shared.domain.desk import GROUPED, DeadTask, ErrorGroup, RawDelivery, group_id_of
from shared.domain.desk_ports import AuditLine
from shared.domain.operation import (
    Operation,
    OperationItem,
    OperationKind,
    OperationState,
    Outcome,
    Preview,
)
from shared.edges.task_json import Failure, TaskId, Time, maybe_time_json, time_json
from shared.services.desk import Groups
from shared.services.queues import COUNTED, Queue, QueueState

GroupId = Annotated[str, Field(description="12 hexadecimal digits, the same for like errors.")]
Count = Annotated[int, Field(ge=0)]
Capped = Annotated[int, Field(ge=0, le=COUNTED, description=f"{COUNTED} means at least so many.")]


class ErrorGroupJson(TypedDict):
    """Dead tasks whose errors differ in nothing but ids, numbers and quoted texts."""

    group: GroupId
    task_type: str
    kind: str
    message: Annotated[str, Field(description="What varies is replaced by <n>, <id>, <text>.")]
    count: Count
    first_seen_at: Time
    last_seen_at: Time
    newest_task_id: TaskId


class ErrorGroupsJson(TypedDict):
    """The groups, the largest first."""

    groups: list[ErrorGroupJson]
    looked_at: Annotated[int, Field(ge=0, description="How many dead tasks were grouped.")]
    limit: Annotated[int, Field(description="Only so many dead tasks, the newest, are grouped.")]


class DeadTaskJson(TypedDict):
    """A dead task, as a member of its group."""

    task_id: TaskId
    task_type: str
    generation: Count
    error: Failure | None
    died_at: Time
    group: GroupId


class DeadTasksJson(TypedDict):
    """The members of a group among the newest dead tasks, newest first."""

    tasks: list[DeadTaskJson]


class RawDeliveryJson(TypedDict):
    """A delivery that no task answers for, as it was kept."""

    message_id: str
    subscription: str
    reason: str
    received_at: Time
    delivery_attempt: Count
    ordering_key: str
    attributes: dict[str, str]
    data: Annotated[str, Field(description="base64.")]


class RawDeliveriesJson(TypedDict):
    """Some of them, newest first."""

    deliveries: list[RawDeliveryJson]
    next_after: Annotated[str, Field(description="Asks for those after; empty: no more.")]


class DiscardedJson(TypedDict):
    """How many raw deliveries are gone."""

    discarded: Count


class OperationJson(TypedDict):
    """A bulk operation."""

    operation_id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    kind: OperationKind
    state: OperationState
    filter: dict[str, Any]
    actor: str
    per_second: float | None
    total: Annotated[int, Field(ge=0, description="Every item, skipped ones too.")]
    succeeded: Count
    skipped: Count
    failed: Count
    created_at: Time
    finished_at: Time | None


class PreviewJson(TypedDict):
    """What an operation would concern; nothing was changed."""

    dry_run: bool
    total: Annotated[int, Field(ge=0, description="Tasks that would be changed.")]
    by_type: dict[str, int]
    skipped: Annotated[int, Field(ge=0, description="Named tasks that cannot be changed.")]
    until: Annotated[Time, Field(description="Send it as filter.until: the same window then.")]


class OperationsJson(TypedDict):
    """Some operations, newest first."""

    operations: list[OperationJson]
    next_after: Annotated[str, Field(description="Asks for those after; empty: no more.")]


class OperationItemJson(TypedDict):
    """One task of an operation."""

    task_id: TaskId
    generation: Annotated[int, Field(ge=0, description="In which the task was seen.")]
    outcome: Annotated[Outcome | None, Field(description="null: not decided yet.")]
    reason: str
    decided_at: Time | None


class OperationItemsJson(TypedDict):
    """Some items, in the order of their ids."""

    items: list[OperationItemJson]
    next_after: Annotated[str, Field(description="Asks for those after; empty: no more.")]


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


class AuditLineJson(TypedDict):
    """Who did what."""

    id: int
    at: Time
    actor: Annotated[str, Field(description="key:<id>, an e-mail address, or local.")]
    action: str
    detail: dict[str, Any]


class AuditJson(TypedDict):
    """Some lines, newest first."""

    lines: list[AuditLineJson]
    next_before: Annotated[int, Field(description="Asks for those before; 0: no more.")]


def groups_json(found: Groups) -> ErrorGroupsJson:
    """The groups, and over how many tasks."""
    groups = [group_json(group) for group in found.groups]
    return {"groups": groups, "looked_at": found.looked_at, "limit": GROUPED}


def group_json(group: ErrorGroup) -> ErrorGroupJson:
    """One group."""
    return {
        "group": group.id,
        "task_type": group.task_type,
        "kind": group.kind,
        "message": group.message,
        "count": group.count,
        "first_seen_at": time_json(group.first_seen_at),
        "last_seen_at": time_json(group.last_seen_at),
        "newest_task_id": str(group.newest_task_id),
    }


def dead_task_json(task: DeadTask) -> DeadTaskJson:
    """One dead task with its group."""
    return {
        "task_id": str(task.id),
        "task_type": task.task_type,
        "generation": task.generation,
        "error": task.error,
        "died_at": time_json(task.finished_at),
        "group": group_id_of(task),
    }


def raw_json(one: RawDelivery) -> RawDeliveryJson:
    """One raw delivery."""
    return {
        "message_id": one.message_id,
        "subscription": one.subscription,
        "reason": one.reason,
        "received_at": time_json(one.received_at),
        "delivery_attempt": one.delivery_attempt,
        "ordering_key": one.ordering_key,
        "attributes": one.attributes,
        "data": base64.b64encode(one.data).decode(),
    }


def operation_json(operation: Operation) -> OperationJson:
    """One operation with its counts."""
    return {
        "operation_id": str(operation.id),
        "kind": operation.kind,
        "state": operation.state,
        "filter": operation.filter,
        "actor": operation.actor,
        "per_second": operation.per_second,
        "total": operation.total,
        "succeeded": operation.succeeded,
        "skipped": operation.skipped,
        "failed": operation.failed,
        "created_at": time_json(operation.created_at),
        "finished_at": maybe_time_json(operation.finished_at),
    }


def preview_json(preview: Preview) -> PreviewJson:
    """What a dry run found."""
    return {
        "dry_run": True,
        "total": preview.total,
        "by_type": preview.by_type,
        "skipped": preview.skipped,
        "until": time_json(preview.until),
    }


def item_json(item: OperationItem) -> OperationItemJson:
    """One item."""
    return {
        "task_id": str(item.task_id),
        "generation": item.generation,
        "outcome": item.outcome,
        "reason": item.reason,
        "decided_at": maybe_time_json(item.decided_at),
    }


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


def audit_line_json(line: AuditLine) -> AuditLineJson:
    """One line."""
    return {
        "id": line.id,
        "at": time_json(line.at),
        "actor": line.actor,
        "action": line.action,
        "detail": line.detail,
    }
