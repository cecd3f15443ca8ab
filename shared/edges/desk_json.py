"""The dead-letter desk as JSON: what REST answers, and the shapes that OpenAPI reads."""

import base64
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from shared.domain.desk import GROUPED, DeadTask, ErrorGroup, RawDelivery, group_id_of
from shared.edges.task_json import Failure, TaskId, Time, time_json
from shared.services.desk import Groups

GroupId = Annotated[str, Field(description="12 hexadecimal digits, the same for like errors.")]
Count = Annotated[int, Field(ge=0)]


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
