"""The gRPC side: bytes to requests, answers to bytes, errors to status codes. No rules here."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from emulators.pubsub.errors import InvalidArgument, PubSubError, Unimplemented
from emulators.pubsub.logs import log

if TYPE_CHECKING:  # generic in the stubs only
    Context = grpc.aio.ServicerContext[bytes, bytes]
    Handler = grpc.RpcMethodHandler[bytes, bytes]
else:
    Context = grpc.aio.ServicerContext
    Handler = grpc.RpcMethodHandler
Request = TypeVar("Request", bound=Message)
Method = Callable[[bytes, Context], Awaitable[bytes]]
PREFIX = "/google.pubsub.v1."


def method(
    request_type: type[Request], answer: Callable[[Request, Context], Awaitable[bytes]]
) -> Method:
    """Return a gRPC method: serialised request in, serialised response out, or a status.

    A request that cannot be decoded is INVALID_ARGUMENT; grpc's own deserialiser hook would make
    it INTERNAL, which clients retry.
    """

    async def call(payload: bytes, context: Context) -> bytes:
        try:
            return await answer(_decoded(request_type, payload), context)
        except PubSubError as error:
            await context.abort(error.code, str(error))
        except Exception:
            log.exception("bug in %s", request_type.DESCRIPTOR.name)
            await context.abort(grpc.StatusCode.INTERNAL, "bug in the emulator: see its log")

    return call


def _decoded(request_type: type[Request], payload: bytes) -> Request:
    try:
        return request_type.FromString(payload)
    except DecodeError as error:
        raise InvalidArgument(f"the request is no {request_type.DESCRIPTOR.name}") from error


class Methods(grpc.GenericRpcHandler):
    """All methods there are, by full name; the API's others answer UNIMPLEMENTED by name."""

    def __init__(self, methods: dict[str, Method]) -> None:
        self._handlers: dict[str, Handler] = {
            PREFIX + name: grpc.unary_unary_rpc_method_handler(call)
            for name, call in methods.items()
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        name = handler_call_details.method
        if name in self._handlers:
            return self._handlers[name]
        return grpc.stream_stream_rpc_method_handler(_refuse) if name.startswith(PREFIX) else None


async def _refuse(_: object, context: Context) -> None:
    await context.abort(Unimplemented.code, "this method is not implemented by this emulator")
