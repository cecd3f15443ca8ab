"""Stands around every call: what cannot be read and what goes wrong becomes a status with
details. The only place here that catches everything."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.message import DecodeError
from google.rpc import status_pb2
from grpc.aio import AbortError, ServerInterceptor, ServicerContext
from grpc_status import rpc_status

from grpc_gateway.admission import Admission
from grpc_gateway.errors import internal_status, status_of
from shared import telemetry
from shared.domain.errors import CloudTaskerError, Code, InvalidField, InvalidRequest
from shared.telemetry import Event

Read = Callable[[bytes], Any]
Behaviour = Callable[[Any, Any], Awaitable[Any]]

_OUR_FAULTS = {
    Code.UNAVAILABLE: Event.LEDGER_UNAVAILABLE,
    Code.MISCONFIGURED: Event.MISCONFIGURED,
    Code.UNAUTHENTICATED: Event.REQUEST_REFUSED,
}
"""What the log must say, because the caller is told a constant text only."""


class Interceptor(ServerInterceptor):
    """Lets nobody in who may not be, no call end with UNKNOWN, and no text of an unexpected
    exception reach a caller."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The method's handler, guarded; None (UNIMPLEMENTED) for a method that does not exist."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(
                self._guarded(handler.unary_unary, method),
                _reader(handler.request_deserializer),
                handler.response_serializer,
            )
        return self._guarded_stream(handler, method)

    def _guarded(self, behaviour: Behaviour, method: str) -> Behaviour:
        async def answer(request: Any, context: ServicerContext[Any, Any]) -> Any:
            try:
                await self._admission.check(method, context)
                if isinstance(request, InvalidRequest):
                    raise request
                return await behaviour(request, context)
            except AbortError:
                raise
            except CloudTaskerError as error:
                status = _refusal(error, method)
            except Exception as defect:
                status = _fault(defect, method)
            return await context.abort_with_status(rpc_status.to_status(status))

        return answer

    def _guarded_stream(self, handler: Any, method: str) -> Any:
        """Watches of ours, and of libraries: health's, and reflection."""
        behaviour = handler.stream_stream or handler.unary_stream

        async def answer(request: Any, context: ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            try:
                await self._admission.check(method, context)
                if isinstance(request, InvalidRequest):
                    raise request
                async for one in behaviour(request, context):
                    yield one
            except AbortError:
                raise
            except CloudTaskerError as error:
                await context.abort_with_status(rpc_status.to_status(_refusal(error, method)))
            except Exception as defect:
                await context.abort_with_status(rpc_status.to_status(_fault(defect, method)))

        if handler.stream_stream:
            return grpc.stream_stream_rpc_method_handler(
                answer, handler.request_deserializer, handler.response_serializer
            )
        return grpc.unary_stream_rpc_method_handler(
            answer, _reader(handler.request_deserializer), handler.response_serializer
        )


def _reader(read: Read) -> Read:
    """Reading fails outside the call's handler, so the failure is handed to it as the request."""

    def read_or_refuse(raw: bytes) -> Any:
        try:
            return read(raw)
        except DecodeError as broken:
            problem = f"it cannot be read: {broken}"
            return InvalidRequest(f"request rejected: {problem}", [InvalidField("", problem)])

    return read_or_refuse


def _refusal(error: CloudTaskerError, method: str) -> status_pb2.Status:
    if event := _OUR_FAULTS.get(error.code):
        telemetry.log(event, severity="WARNING", message=f"{event}: {error}", method=method)
    return status_of(error)


def _fault(defect: Exception, method: str) -> status_pb2.Status:
    request_id = uuid4().hex
    telemetry.log(Event.FAULT, severity="ERROR", error=defect, method=method, request_id=request_id)
    return internal_status(request_id)
