"""Asynchronous client of the REST API; the command line and other Python programs use it."""

from shared.client.client import Client, Clock
from shared.client.errors import ApiError, ServiceUnreachable, WaitTimedOut
from shared.client.shapes import (
    AttemptJson,
    Receipt,
    TaskJson,
    TaskRequest,
    TaskSummary,
    TaskTypeJson,
)

__all__ = [
    "ApiError",
    "AttemptJson",
    "Client",
    "Clock",
    "Receipt",
    "ServiceUnreachable",
    "TaskJson",
    "TaskRequest",
    "TaskSummary",
    "TaskTypeJson",
    "WaitTimedOut",
]
