"""The standard health service (grpc.health.v1): it says what the readiness checks say.

It keeps no state of its own, so it costs nothing while nobody asks.
"""
# ruff: noqa: N802 - the methods have the names of their RPCs

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

import grpc
from grpc.aio import ServicerContext
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthServicer

from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.readiness import Readiness

TASK_SERVICE: Final = pb.DESCRIPTOR.services_by_name["TaskService"].full_name
READY: Final = ("", TASK_SERVICE)
"""Names that are SERVING while Postgres and Pub/Sub can be reached: for readiness probes."""
LIVE: Final = "liveness"
"""The name that is SERVING while the process answers: for probes that restart it."""
WATCH_SECONDS: Final = 5.0

_Context = ServicerContext[Any, HealthCheckResponse]


class Health(HealthServicer):
    """Answers from `readiness`, and with NOT_SERVING once `stop` was called."""

    def __init__(self, readiness: Readiness, *, watch_seconds: float = WATCH_SECONDS) -> None:
        self._readiness = readiness
        self._watch_seconds = watch_seconds
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Say NOT_SERVING from now on, and end every Watch once it has said so."""
        self._stopping.set()

    async def Check(self, request: HealthCheckRequest, context: _Context) -> HealthCheckResponse:
        """The status now. NOT_FOUND for a service that is not here."""
        answer = await self._answer(request.service)
        if answer.status == HealthCheckResponse.SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return answer

    async def Watch(
        self, request: HealthCheckRequest, context: _Context
    ) -> AsyncIterator[HealthCheckResponse]:
        """The status now, and again whenever it has changed, looked up every 5 s."""
        last, stopping = None, False
        while not stopping:
            stopping = self._stopping.is_set()  # before the answer, so that the last one says so
            answer = await self._answer(request.service)
            if answer != last:
                yield answer
            last = answer
            await self._pause()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._watch_seconds):
                await self._stopping.wait()

    async def _answer(self, service: str) -> HealthCheckResponse:
        if service not in (*READY, LIVE):
            return HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)
        stopping = self._stopping.is_set()
        serves = not stopping and (service == LIVE or not await self._readiness.problems())
        return HealthCheckResponse(
            status=HealthCheckResponse.SERVING if serves else HealthCheckResponse.NOT_SERVING
        )
