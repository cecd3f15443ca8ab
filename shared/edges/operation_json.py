"""A bulk operation and its items as JSON: what REST answers, and the shapes that OpenAPI reads."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from shared.domain.operation import (
    Operation,
    OperationItem,
    OperationKind,
    OperationState,
    Outcome,
    Preview,
)
from shared.edges.task_json import TaskId, Time, maybe_time_json, time_json

Count = Annotated[int, Field(ge=0)]


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
