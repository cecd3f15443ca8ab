"""A group as JSON. No protocol is known here."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from shared.domain.follow_up import Group, GroupState, StartedGroup
from shared.edges.task_json import TaskId, Time, maybe_time_json, time_json

Count = Annotated[int, Field(ge=0)]


class StartedGroupJson(TypedDict):
    """A group that was accepted."""

    group_id: TaskId
    task_ids: Annotated[list[TaskId], Field(description="Its members, in the request's order.")]
    replayed: Annotated[
        bool,
        Field(description="The idempotency key was known: this is the group of that time."),
    ]


class GroupJson(TypedDict):
    """How a group stands."""

    group_id: TaskId
    state: Annotated[
        GroupState,
        Field(description="`running` until all have ended and what follows is stored."),
    ]
    total: Count
    succeeded: Count
    failed: Annotated[Count, Field(description="Members that are dead, cancelled or expired.")]
    follow_ups: Annotated[
        dict[str, TaskId],
        Field(description="The ids of `then` and `on_failure`; one exists once the group ended."),
    ]
    created_at: Time
    finished_at: Time | None


def started_json(started: StartedGroup) -> StartedGroupJson:
    """Its id, and those of its members."""
    ids = [str(one.id) for one in started.members]
    return {"group_id": str(started.id), "task_ids": ids, "replayed": not started.is_new}


def group_json(group: Group) -> GroupJson:
    """The group with its counts."""
    return {
        "group_id": str(group.id),
        "state": group.state,
        "total": group.total,
        "succeeded": group.succeeded,
        "failed": group.failed,
        "follow_ups": {name: str(one) for name, one in group.follow_ups.items()},
        "created_at": time_json(group.created_at),
        "finished_at": maybe_time_json(group.finished_at),
    }
