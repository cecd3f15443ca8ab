"""Publishes to Pub/Sub in batches of our own: whatever arrived while the last call ran.

The generated transport opens the channel to Google. It ignores PUBSUB_EMULATOR_HOST, so the
plaintext channel to an emulator is built here; nothing else differs between the two. Calls go
straight to the channel, with plain protocol buffers: the client's own layers (a wrapper a message,
a retry, an interceptor) cost several times the call when batches are small.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import grpc
from google.auth.exceptions import GoogleAuthError

from protos.cloudtasker.pubsub.publish_pb2 import PublishRequest, PubsubMessage
from shared.domain.envelope import Message

MAX_MESSAGES: Final = 1000
MAX_BYTES: Final = 8_000_000
TIMEOUT_SECONDS: Final = 10.0
_OVERHEAD_BYTES: Final = 512
"""What a message's attributes and its frame count for, beside its data."""
# A restarted emulator is found again at once; against Google the defaults would do as well.
_CHANNEL_OPTIONS: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)

_PUBLISH: Final = "/google.pubsub.v1.Publisher/Publish"

_Lane = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class _Parcel:
    """Messages of one caller that travel together: to one topic, with one ordering key."""

    messages: Sequence[Message]
    places: Sequence[int]
    """Where each of them is in what the caller gave."""
    size: int
    sure: "asyncio.Future[bool]"


class PubSubPublisher:
    """See `Publisher`. One call at a time for each topic and ordering key: order is kept."""

    def __init__(self, project: str, *, emulator_host: str = "") -> None:
        self._project = project
        self._emulator_host = emulator_host
        self._open = partial(_emulator, emulator_host) if emulator_host else _google()
        self._channel: grpc.aio.Channel | None = None
        self._call: Callable[..., Any] | None = None
        self._waiting: dict[_Lane, list[_Parcel]] = {}
        self._pumps: set[asyncio.Task[None]] = set()

    async def publish(self, messages: Sequence[Message]) -> list[bool]:
        """See `Publisher.publish`."""
        lanes: dict[_Lane, list[int]] = {}
        for place, message in enumerate(messages):
            lanes.setdefault((message.topic, message.ordering_key), []).append(place)
        parcels = [
            self._enter(lane, parcel)
            for lane, places in lanes.items()
            for parcel in _parcels(messages, places)
        ]
        confirmed = [False] * len(messages)
        for parcel in parcels:
            if await parcel.sure:
                for place in parcel.places:
                    confirmed[place] = True
        return confirmed

    async def ping(self) -> None:
        """See `Publisher.ping`."""
        channel = self._connected()
        try:
            async with asyncio.timeout(1.5):
                state = channel.get_state(try_to_connect=True)
                while state is not grpc.ChannelConnectivity.READY:
                    await channel.wait_for_state_change(state)
                    state = channel.get_state(try_to_connect=True)
        except TimeoutError:
            where = self._emulator_host or "pubsub.googleapis.com"
            raise ConnectionError(f"Pub/Sub at {where} cannot be reached") from None

    async def close(self) -> None:
        """Wait for what is being sent, then close the channel."""
        while self._pumps:
            await asyncio.wait(self._pumps)
        if self._channel:
            await self._channel.close()

    def _enter(self, lane: _Lane, parcel: _Parcel) -> _Parcel:
        if lane in self._waiting:
            self._waiting[lane].append(parcel)
            return parcel
        self._waiting[lane] = [parcel]
        pump = asyncio.ensure_future(self._pump(lane))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)
        return parcel

    async def _pump(self, lane: _Lane) -> None:
        """Send until nothing waits any more; the lane is gone then."""
        while waiting := self._waiting[lane]:
            load = _load(waiting)
            self._waiting[lane] = waiting[len(load) :]
            sure = await self._send(lane[0], [one for parcel in load for one in parcel.messages])
            for parcel in load:
                if not parcel.sure.done():
                    parcel.sure.set_result(sure)
        del self._waiting[lane]

    async def _send(self, topic: str, messages: list[Message]) -> bool:
        name = f"projects/{self._project}/topics/{topic}"
        request = PublishRequest(topic=name, messages=map(_message_of, messages))
        routing = ("x-goog-request-params", f"topic={quote(name)}")
        try:
            await self._publish()(request, timeout=TIMEOUT_SECONDS, metadata=[routing])
        except (grpc.RpcError, GoogleAuthError, OSError):
            # Unconfirmed, whatever the reason: the rows stay due and the relay tries again.
            return False
        return True

    def _publish(self) -> Callable[..., Any]:
        if self._call is None:
            self._call = self._connected().unary_unary(
                _PUBLISH,
                request_serializer=PublishRequest.SerializeToString,
            )
        return self._call

    def _connected(self) -> grpc.aio.Channel:
        if self._channel is None:
            self._channel = self._open()
        return self._channel


def _emulator(host: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(host, options=_CHANNEL_OPTIONS)


def _google() -> Callable[[], grpc.aio.Channel]:
    """What opens a channel to Google, with the credentials of where this runs."""
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport

    return lambda: PublisherGrpcAsyncIOTransport().grpc_channel


def _message_of(message: Message) -> PubsubMessage:
    return PubsubMessage(
        data=message.data, attributes=message.attributes, ordering_key=message.ordering_key
    )


def _parcels(messages: Sequence[Message], places: Sequence[int]) -> Iterator[_Parcel]:
    """The messages at `places`, in parcels of which each fits into a call."""
    loop = asyncio.get_running_loop()
    start = size = 0
    for n, place in enumerate(places):
        own = len(messages[place].data) + _OVERHEAD_BYTES
        if n > start and (n - start == MAX_MESSAGES or size + own > MAX_BYTES):
            yield _parcel(messages, places[start:n], size, loop.create_future())
            start, size = n, 0
        size += own
    yield _parcel(messages, places[start:], size, loop.create_future())


def _parcel(
    messages: Sequence[Message], places: Sequence[int], size: int, sure: "asyncio.Future[bool]"
) -> _Parcel:
    return _Parcel([messages[place] for place in places], places, size, sure)


def _load(waiting: Sequence[_Parcel]) -> Sequence[_Parcel]:
    """The first parcels that fit into one call; always at least one."""
    count = size = 0
    for n, parcel in enumerate(waiting):
        count += len(parcel.messages)
        size += parcel.size
        if n and (count > MAX_MESSAGES or size > MAX_BYTES):
            return waiting[:n]
    return waiting
