"""The Subscriber service's RPCs on messages: each a few lines of translation.

The RPCs on subscriptions themselves are in `subscriber.py`.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from google.protobuf.empty_pb2 import Empty

from emulators.pubsub import protos
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.exactly_once import check_failed
from emulators.pubsub.limits import DOCUMENTED, Limits
from emulators.pubsub.names import check_subscription_name
from emulators.pubsub.rpc import Answer, Call, Rpc, Stream
from emulators.pubsub.stream import PullStream
from emulators.pubsub.stream_requests import answers_of, check_first
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.wire import AckId, pull_response

SERVICE = "google.pubsub.v1.Subscriber"
LONGEST_PULL = 5.0
MAX_PULL = 1000
MAX_ACK_REQUEST_BYTES = 512 * 1024


class Pulling:
    """Pull, StreamingPull, Acknowledge and ModifyAckDeadline."""

    def __init__(self, broker: Broker, *, limits: Limits = DOCUMENTED) -> None:
        self._broker = broker
        self._limits = limits

    def methods(self) -> dict[str, Rpc[Any]]:
        """Return the unary methods by service and name."""
        return {
            f"{SERVICE}/Pull": Rpc(protos.PullRequest, protos.PullResponse, self.pull),
            f"{SERVICE}/Acknowledge": Rpc(protos.AcknowledgeRequest, Empty, self.acknowledge),
            f"{SERVICE}/ModifyAckDeadline": Rpc(
                protos.ModifyAckDeadlineRequest, Empty, self.modify_ack_deadline
            ),
        }

    def streams(self) -> dict[str, Stream[Any]]:
        """Return the streaming methods by service and name."""
        return {
            f"{SERVICE}/StreamingPull": Stream(protos.StreamingPullRequest, self.streaming_pull)
        }

    async def pull(self, request: protos.PullRequest, call: Call) -> Answer:
        """Answer `Pull` with at most 1,000 messages, empty before the caller's deadline.

        Differs from the service: never waits longer than 5 s.
        """
        subscription = self._subscription(request.subscription)
        most = self._most(request.max_messages)
        if subscription.pusher and self._limits.pull_of_push:
            return pull_response(())
        subscription.check_pull()
        wait = 0.0 if request.return_immediately else _patience(call)
        received = await subscription.pull(most, wait)
        if call.time_remaining() == 0:  # nobody reads the answer
            subscription.give_back([one.ack_id for one in received])
        return pull_response(received)

    async def streaming_pull(
        self, requests: AsyncIterator[protos.StreamingPullRequest], _: Call
    ) -> AsyncGenerator[bytes, None]:
        """Answer `StreamingPull`; a client that sends no more requests has done with it.

        Differs from the service: a stream stays open as long as the client likes.
        """
        first = await anext(requests, None)
        if first is None:
            return
        check_first(first)
        answers = answers_of(first)
        subscription = self._subscription(first.subscription)
        subscription.check_pull()
        stream = PullStream(subscription, first, self._broker.journal.commit)
        await stream.apply(answers)
        async with aclosing(stream.responses(requests)) as responses:
            async for response in responses:
                yield response

    async def acknowledge(self, request: protos.AcknowledgeRequest, _: Call) -> Answer:
        """Answer `Acknowledge`; under exactly-once once the acks are durable.

        Differs from the service: the failed ids of a request are named only up to about a hundred.
        """
        subscription = self._subscription(request.subscription)
        failed = subscription.ack(_parsed(request.ack_ids, request.ByteSize()))
        if subscription.resource.enable_exactly_once_delivery:
            await self._broker.journal.commit()
        check_failed(subscription, failed)
        return Empty()

    async def modify_ack_deadline(
        self, request: protos.ModifyAckDeadlineRequest, _: Call
    ) -> Answer:
        """Answer `ModifyAckDeadline`; 0 is a nack."""
        subscription = self._subscription(request.subscription)
        ack_ids = _parsed(request.ack_ids, request.ByteSize())
        seconds, most = request.ack_deadline_seconds, self._limits.max_modified_deadline
        if not 0 <= seconds <= most:
            raise InvalidArgument(f"ack_deadline_seconds {seconds} is not 0 to {most}")
        check_failed(subscription, subscription.modify(ack_ids, seconds))
        return Empty()

    def _most(self, max_messages: int) -> int:
        if max_messages < 0 and self._limits.negative_max_messages:
            return MAX_PULL
        if max_messages < 1:
            raise InvalidArgument(f"max_messages {max_messages} is less than 1")
        return min(max_messages, MAX_PULL)

    def _subscription(self, name: str) -> Subscription:
        return self._broker.subscription(check_subscription_name(name))


def _parsed(ack_ids: Sequence[str], request_bytes: int) -> list[AckId]:
    if not ack_ids:
        raise InvalidArgument("ack_ids is empty")
    if request_bytes > MAX_ACK_REQUEST_BYTES:
        raise InvalidArgument(
            f"the request has {request_bytes} bytes, the limit is {MAX_ACK_REQUEST_BYTES}"
        )
    return [AckId.parse(ack_id) for ack_id in ack_ids]


def _patience(call: Call) -> float:
    """Return how long a pull may wait, so that its answer arrives before the caller's deadline."""
    left = call.time_remaining()
    return LONGEST_PULL if left is None else max(0.0, min(LONGEST_PULL, left * 0.9 - 0.05))
