"""Schedules as JSON: what REST answers, and where OpenAPI reads the shapes from."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from shared.domain.missed import Missed
from shared.domain.schedule import Origin, Schedule
from shared.domain.upkeep import Swept
from shared.edges.task_json import TaskId, Time, maybe_time_json, time_json


class ScheduleJson(TypedDict):
    """A schedule: what it enqueues, and when."""

    name: str
    task_type: str
    payload: dict[str, Any]
    cron: Annotated[str, Field(description="minute hour day month weekday, on the zone's clock.")]
    time_zone: Annotated[str, Field(examples=["Europe/Berlin"])]
    missed: Missed
    origin: Annotated[Origin, Field(description="`file`: it stands in its type's task.yaml.")]
    paused: bool
    next_at: Annotated[Time | None, Field(description="Of its next run; null: there is none.")]
    last_at: Annotated[Time | None, Field(description="Of the last run that it made.")]
    updated_at: Time


class SchedulesJson(TypedDict):
    """Every schedule, by name."""

    schedules: list[ScheduleJson]


class RepublishedJson(TypedDict):
    """What one step of a republication did."""

    republished: Annotated[int, Field(ge=0, description="Tasks whose message is sent again.")]
    next_after: Annotated[
        TaskId | None, Field(description="`after` of the next step; null: that was the last.")
    ]


def schedule_json(schedule: Schedule) -> ScheduleJson:
    """The schedule with everything that is known of it."""
    return {
        "name": schedule.name,
        "task_type": schedule.task_type,
        "payload": schedule.payload,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "missed": schedule.missed,
        "origin": schedule.origin,
        "paused": schedule.paused,
        "next_at": maybe_time_json(schedule.next_at),
        "last_at": maybe_time_json(schedule.last_at),
        "updated_at": time_json(schedule.updated_at),
    }


def republished_json(swept: Swept) -> RepublishedJson:
    """How many, and where to go on."""
    return {"republished": swept.lost, "next_after": str(swept.last) if swept.last else None}
