"""Asynchronous client of the REST API; the command line and other Python programs use it."""

from shared.client.client import LOOPBACK, Client, Clock
from shared.client.errors import ApiError, ServiceUnreachable, WaitTimedOut
from shared.client.groups import GroupJson, GroupRequest, StartedGroup
from shared.client.schedules import ScheduleJson, ScheduleRequest
from shared.client.shapes import (
    AttemptJson,
    FollowUpRequest,
    Receipt,
    TaskJson,
    TaskRequest,
    TaskSummary,
    TaskTypeJson,
)

__all__ = [
    "LOOPBACK",
    "ApiError",
    "AttemptJson",
    "Client",
    "Clock",
    "FollowUpRequest",
    "GroupJson",
    "GroupRequest",
    "Receipt",
    "ScheduleJson",
    "ScheduleRequest",
    "ServiceUnreachable",
    "StartedGroup",
    "TaskJson",
    "TaskRequest",
    "TaskSummary",
    "TaskTypeJson",
    "WaitTimedOut",
]
