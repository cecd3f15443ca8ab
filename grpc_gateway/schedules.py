"""Schedules and republishing, from messages and to messages. Translation only."""

import json
from typing import Any, Final

from grpc_gateway.answers import timestamp
from grpc_gateway.requests import check_storable, payload_of
from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.domain.errors import InvalidField, InvalidRequest
from shared.domain.missed import Missed
from shared.domain.schedule import Origin, Schedule
from shared.domain.upkeep import Swept

_MISSED: Final = {one: pb.Schedule.Missed.Value(one.name) for one in Missed}
_ORIGINS: Final = {one: pb.Schedule.Origin.Value(one.name) for one in Origin}
_ASKED: Final[dict[int, Missed]] = {number: one for one, number in _MISSED.items()}


def new_schedule_of(request: pb.CreateScheduleRequest) -> dict[str, Any]:
    """The schedule that is asked for, as the same request over REST would have it.

    Raises: InvalidRequest, RequestTooLarge.
    """
    asked: dict[str, Any] = {
        name: value
        for name in ("name", "task_type", "cron", "time_zone")
        if (value := getattr(request, name))
    }
    for name, value in asked.items():
        check_storable(name, value)
    if request.payload_json:
        asked["payload"] = payload_of(request.payload_json)
    if request.missed:
        if request.missed not in _ASKED:
            problem = f"{request.missed} is not a number of Schedule.Missed"
            raise InvalidRequest(f"missed: {problem}", [InvalidField("missed", problem)])
        asked["missed"] = _ASKED[request.missed]
    return asked


def schedule(of: Schedule) -> pb.Schedule:
    """The schedule with everything that is known of it."""
    return pb.Schedule(
        name=of.name,
        task_type=of.task_type,
        payload_json=json.dumps(of.payload, ensure_ascii=False, separators=(",", ":")),
        cron=of.cron,
        time_zone=of.time_zone,
        missed=_MISSED[of.missed],
        origin=_ORIGINS[of.origin],
        paused=of.paused,
        next_at=timestamp(of.next_at),
        last_at=timestamp(of.last_at),
        updated_at=timestamp(of.updated_at),
    )


def republish_of(request: pb.RepublishTasksRequest) -> dict[str, Any]:
    """What is asked for, as the same request over REST would have it."""
    return {
        "older_than_seconds": request.older_than_seconds,
        "after": request.after or None,
    }


def republished(swept: Swept) -> pb.RepublishTasksResponse:
    """How many, and where to go on."""
    return pb.RepublishTasksResponse(
        republished=swept.lost, next_after=str(swept.last) if swept.last else ""
    )
