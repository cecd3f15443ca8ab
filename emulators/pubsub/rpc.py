"""What the gRPC and the REST side share of a call: its types, its handler, how it may fail.

Neither HTTP nor a rule of Pub/Sub stands here.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

from google.protobuf.message import Message
from grpc import StatusCode

from emulators.pubsub.errors import PubSubError, Unimplemented
from emulators.pubsub.logs import log

Request = TypeVar("Request", bound=Message)
Answer = Message | bytes  # bytes: already serialised, because parsing was spared


class Call(Protocol):
    """Who calls, as far as a handler may ask."""

    def time_remaining(self) -> float | None:
        """Return the seconds until the caller gives up; None if it never said."""

    def invocation_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """Return what the caller sent along: gRPC metadata, or the request's HTTP headers."""


class Bug(PubSubError):
    """An error that no caller is to blame for; the log has the traceback."""

    code = StatusCode.INTERNAL


class Rpc(NamedTuple, Generic[Request]):
    """A unary method: its types, and the handler."""

    request_type: type[Request]
    response_type: type[Message]
    answer: Callable[[Request, Call], Awaitable[Answer]]


class Stream(NamedTuple, Generic[Request]):
    """A method with a stream of requests and one of serialised responses; gRPC only."""

    request_type: type[Request]
    answer: Callable[[AsyncIterator[Request], Call], AsyncGenerator[bytes, None]]


Around = Callable[[str, Callable[[], Awaitable[Answer]]], Awaitable[Answer]]


async def undisturbed(_: str, answer: Callable[[], Awaitable[Answer]]) -> Answer:
    """Do what was asked: the `Around` that changes nothing."""
    return await answer()


class Rpcs:
    """All methods by full name ("google.pubsub.v1.Publisher/Publish").

    `around` is given each unary call's name and the call itself; faults are injected there.
    """

    def __init__(
        self,
        unary: Mapping[str, Rpc[Message]],
        streams: Mapping[str, Stream[Message]],
        *,
        around: Around = undisturbed,
    ) -> None:
        self.unary = unary
        self.streams = streams
        self._around = around

    async def answer(self, name: str, request: Message, call: Call) -> Answer:
        """Return what the method `name` answers. Raises: PubSubError and nothing else."""
        rpc = self.unary.get(name)
        if rpc is None:
            raise Unimplemented(f"method {name} is not implemented by this emulator")
        try:
            return await self._around(name, lambda: rpc.answer(request, call))
        except PubSubError:
            raise
        except Exception as error:  # the edge of both sides
            raise bug(name) from error


def bug(name: str) -> Bug:
    """Log the exception being handled; return what the caller of the method `name` is told."""
    log.exception("bug in %s", name)
    return Bug("bug in the emulator: see its log")
