"""The gRPC side: bytes to requests, answers to bytes, errors to status codes. No rules here."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status

from emulators.pubsub.errors import InvalidArgument, PubSubError, Unimplemented
from emulators.pubsub.rpc import Request, Rpcs, bug

if TYPE_CHECKING:  # generic in the stubs only
    Context = grpc.aio.ServicerContext[bytes, bytes]
    Handler = grpc.RpcMethodHandler[bytes, bytes]
else:
    Context = grpc.aio.ServicerContext
    Handler = grpc.RpcMethodHandler
SERVICES = ("/google.pubsub.v1.", "/google.iam.v1.")


class GrpcSide(grpc.GenericRpcHandler):
    """All methods there are, by full name; the API's others answer UNIMPLEMENTED by name."""

    def __init__(self, rpcs: Rpcs) -> None:
        self._rpcs = rpcs
        self._handlers: dict[str, Handler] = {}
        for name in rpcs.unary:
            unary = partial(self._unary, name)
            self._handlers[f"/{name}"] = grpc.unary_unary_rpc_method_handler(unary)
        for name in rpcs.streams:
            stream = partial(self._stream, name)
            self._handlers[f"/{name}"] = grpc.stream_stream_rpc_method_handler(stream)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        name = handler_call_details.method
        if name in self._handlers:
            return self._handlers[name]
        return grpc.stream_stream_rpc_method_handler(_refuse) if name.startswith(SERVICES) else None

    async def _unary(self, name: str, payload: bytes, context: Context) -> bytes:
        try:
            request = _decoded(self._rpcs.unary[name].request_type, payload)
            answer = await self._rpcs.answer(name, request, context)
        except PubSubError as error:
            await abort(context, error)
        return answer if isinstance(answer, bytes) else answer.SerializeToString()

    async def _stream(self, name: str, payloads: AsyncIterator[bytes], context: Context) -> None:
        stream = self._rpcs.streams[name]
        requests = _requests(stream.request_type, payloads)
        try:
            # Closed at once when the client has gone, so that it knows what was not written.
            async with aclosing(stream.answer(requests, context)) as responses:
                async for response in responses:
                    await context.write(response)
        except PubSubError as error:
            await abort(context, error)
        except Exception:  # the edge of this side
            await abort(context, bug(name))


async def abort(context: Context, error: PubSubError) -> NoReturn:
    """End a call with the status and the details of `error`."""
    trailing: tuple[tuple[str, bytes], ...] = ()
    if error.details:
        status = Status(code=error.code.value[0], message=str(error))
        for detail in error.details:
            status.details.append(_packed(detail))
        trailing = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(error.code, str(error), trailing)


async def _requests(
    request_type: type[Request], payloads: AsyncIterator[bytes]
) -> AsyncIterator[Request]:
    """Yield requests; nothing is begun for a stream that ends before it asks for one."""
    async for payload in payloads:
        yield _decoded(request_type, payload)


def _decoded(request_type: type[Request], payload: bytes) -> Request:
    """Decode here: grpc's own hook would answer INTERNAL, which clients retry."""
    try:
        return request_type.FromString(payload)
    except DecodeError as error:
        raise InvalidArgument(f"the request is no {request_type.DESCRIPTOR.name}") from error


def _packed(message: Message) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed


async def _refuse(_: object, context: Context) -> None:
    await context.abort(Unimplemented.code, "this method is not implemented by this emulator")
