"""What the routes of schedules and of republishing take and answer, in OpenAPI's words. Data and
nothing else."""

from typing import Any, Final

from functions.enqueue.openapi_words import (
    BODY_PROBLEMS,
    TEXT,
    Operation,
    body,
    ok,
    operation,
    parameter,
)
from shared.domain.api_key import Scope
from shared.domain.schedule import NAME
from shared.domain.task_type import NAME_PATTERN

_NAME: Final = {**parameter("name", "path", {**TEXT, "pattern": NAME}), "required": True}
_TYPE: Final = {
    **parameter("task_type", "path", {**TEXT, "pattern": NAME_PATTERN}),
    "required": True,
}
_SCHEDULE: Final = "ScheduleJson"
_EXAMPLE: Final = {
    "name": "weekday-report",
    "task_type": "send_email",
    "cron": "0 7 * * mon-fri",
    "time_zone": "Europe/Berlin",
    "payload": {"to": "ana@example.com", "subject": "Report", "body": "…"},
    "missed": "run_once",
}


def schedule_operations() -> dict[str, dict[str, Operation]]:
    """The paths."""
    return {
        "/schedules": {
            "get": operation(
                "List the schedules, by name",
                ok("All of them.", "SchedulesJson"),
                problems=(503,),
                scope=Scope.READ,
            ),
            "post": _create(),
        },
        "/schedules/{name}": {
            "get": operation(
                "Read a schedule",
                ok("As it is now.", "ScheduleJson"),
                problems=(404, 503),
                scope=Scope.READ,
                parameters=[_NAME],
            ),
            "delete": _change(
                "Delete a schedule; the tasks that it made stay",
                {"204": {"description": "It is gone."}},
                409,
            ),
        },
        "/schedules/{name}/pause": {
            "post": _change("Make no more runs; safe to repeat", ok("As it is now.", _SCHEDULE))
        },
        "/schedules/{name}/resume": {
            "post": _change(
                "Make runs again; those of the pause are not made up for; safe to repeat",
                ok("As it is now.", _SCHEDULE),
            )
        },
        "/schedules/{name}/run": {
            "post": _change(
                "Make one run now, paused or not",
                _with_location(ok("Its task.", "AcceptedJson", "202"), "202", "The task."),
                400,
            )
        },
        "/queues/{task_type}/republish": {
            "post": operation(
                "Send a type's queued tasks again, after a purge of its subscription; in steps",
                ok("What this step did.", "RepublishedJson"),
                problems=(*BODY_PROBLEMS, 503),
                scope=Scope.MANAGE,
                parameters=[_TYPE],
                body=body("RepublishRequest", {"all": {"value": {"older_than_seconds": 0}}}),
            )
        },
    }


def _create() -> Operation:
    made = _with_location(ok("Made.", _SCHEDULE, "201"), "201", "The schedule.")
    return operation(
        "Make a schedule",
        made,
        problems=(*BODY_PROBLEMS, 409, 503),
        scope=Scope.MANAGE,
        body=body("NewSchedule", {"report": {"value": _EXAMPLE}}),
    )


def _change(summary: str, answers: dict[str, Any], *problems: int) -> Operation:
    return operation(
        summary,
        answers,
        problems=(404, 503, *problems),
        scope=Scope.MANAGE,
        parameters=[_NAME],
    )


def _with_location(answers: dict[str, Any], status: str, what: str) -> dict[str, Any]:
    header = {"description": what, "required": True, "schema": TEXT}
    return {status: {**answers[status], "headers": {"Location": header}}}
