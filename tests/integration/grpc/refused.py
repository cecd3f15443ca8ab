"""Calls that must fail, and the details that they fail with."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

DETAILS = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.RetryInfo,
    error_details_pb2.RequestInfo,
)


@dataclass
class Refusal:
    """A status, its details by the names of their types."""

    code: grpc.StatusCode
    message: str
    details: dict[str, Any]

    @property
    def reason(self) -> str:
        return str(self.details["ErrorInfo"].reason)

    @property
    def fields(self) -> dict[str, str]:
        return {v.field: v.description for v in self.details["BadRequest"].field_violations}


async def refusal(call: Awaitable[object]) -> Refusal:
    """What `call` fails with."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        status = await rpc_status.aio.from_call(_Failed(error))
        details = details_of(status) if status else {}
        return Refusal(error.code(), error.details() or "", details)
    raise AssertionError(f"was not refused: {answer}")


def details_of(status: status_pb2.Status) -> dict[str, Any]:
    """The unpacked details of a status."""
    kinds = {kind.DESCRIPTOR.full_name: kind for kind in DETAILS}
    unpacked = (kinds[packed.TypeName()].FromString(packed.value) for packed in status.details)
    return {detail.DESCRIPTOR.name: detail for detail in unpacked}


class _Failed:
    """The error of a call, in the form that `from_call` reads."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self._error = error

    async def code(self):
        return self._error.code()

    async def details(self):
        return self._error.details()

    async def trailing_metadata(self):
        return self._error.trailing_metadata()
