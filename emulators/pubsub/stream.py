"""One open StreamingPull: what it is sent, and what its client says. Serialised bytes, no gRPC.

One task sends and one reads; a stream on which nothing happens wakes neither.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence

from emulators.pubsub.exactly_once import confirmation
from emulators.pubsub.protos import StreamingPullRequest
from emulators.pubsub.stream_flow import Flow
from emulators.pubsub.stream_requests import Answers, answers_of, check_later
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.wire import AckId, Received, stream_response

MAX_MESSAGES, MAX_BYTES = 500, 4_000_000  # of one response
KEEPALIVE_VERSION = 1  # from this protocol version on, clients want an answer to their heartbeats


class PullStream:
    """A stream to `subscription`, opened by the checked request `first`.

    `commit` returns once all acks so far are durable.
    """

    def __init__(
        self,
        subscription: Subscription,
        first: StreamingPullRequest,
        commit: Callable[[], Awaitable[None]],
    ) -> None:
        self._subscription = subscription
        self._line = subscription.consumers.line
        self._commit = commit
        self._signal = asyncio.Event()
        self._flow = Flow(
            first.max_outstanding_messages, first.max_outstanding_bytes, self._signal.set
        )
        self._deadline = first.stream_ack_deadline_seconds
        self._keepalive = first.protocol_version >= KEEPALIVE_VERSION
        self._owes_response = self._has_properties()
        self._confirmations = b""
        self._unsent: Sequence[Received] = ()
        self._number = 0  # as a consumer
        self._ended = False
        self._reason: Exception | None = None

    async def responses(
        self, requests: AsyncIterator[StreamingPullRequest]
    ) -> AsyncGenerator[bytes, None]:
        """Yield responses until the client stops; what it was not sent becomes available again.

        Raises: what `end` was told.
        """
        consumers = self._subscription.consumers
        self._number = consumers.open(self)
        reader = asyncio.create_task(self._read(requests))
        try:
            while response := await self._next():
                yield response
                self._unsent = ()  # the caller came back for more: it is written
        finally:
            reader.cancel()
            consumers.close(self._number)
            self._line.leave(self._signal)
            # Also calls the next in line, in case it was this stream's turn.
            self._subscription.give_back([one.ack_id for one in self._unsent])

    async def apply(self, answers: Answers) -> None:
        """Ack and set deadlines; under exactly-once the client gets a confirmation of each."""
        failed_acks = self._subscription.ack(answers.acks)
        failed_deadlines: list[AckId] = []
        for seconds, ack_ids in answers.deadlines.items():
            failed_deadlines += self._subscription.modify(ack_ids, seconds)
        if any(answers) and self._subscription.resource.enable_exactly_once_delivery:
            await self._commit()
            self._confirmations += confirmation(
                self._subscription, answers, failed_acks, failed_deadlines
            )
            self._respond()

    def wake(self) -> None:
        """Look whether there is something to send."""
        self._signal.set()

    def end(self, reason: Exception | None = None) -> None:
        """Send nothing more; the call ends with `reason`, None is the client's own wish."""
        if not self._ended:
            self._ended, self._reason = True, reason
            self._signal.set()

    # What is sent

    async def _next(self) -> bytes | None:
        while not self._ended:
            received = self._take()
            if received or self._owes_response:
                return self._response(received)
            if self._flow.room():
                self._line.join(self._signal)
            await self._signal.wait()
            self._signal.clear()
        if self._reason:
            raise self._reason
        return None

    def _take(self) -> list[Received]:
        """Take what there is for this stream, and count it against the client's limits."""
        room, share = self._flow.room(), self._share()
        if not (room and share):
            return []
        received = self._subscription.take(
            int(min(room.messages, share, MAX_MESSAGES)),
            lease_seconds=self._deadline,
            max_bytes=int(min(room.size, MAX_BYTES)),
            consumer=self._number,
        )
        outstanding = self._subscription.consumers.outstanding
        for one in received:
            outstanding.add(self._flow, one.ack_id.generation, len(one.body))
        self._unsent = received
        return received

    def _share(self) -> int:
        """Return how many messages to take: a fair part if it is this stream's turn.

        At any time it may have the next ones of the ordering keys that it has begun with.
        """
        kept = self._subscription.kept(self._number)
        was_called = self._line.leave(self._signal)
        if len(self._line) and not was_called:
            return kept
        return max(1, kept, math.ceil(self._subscription.available() / (len(self._line) + 1)))

    def _response(self, received: Sequence[Received]) -> bytes:
        resource = self._subscription.resource
        self._owes_response = False
        confirmations, self._confirmations = self._confirmations, b""
        # Serialised messages one behind the other are one message with the fields of both.
        return confirmations + stream_response(
            received,
            exactly_once=resource.enable_exactly_once_delivery,
            ordered=resource.enable_message_ordering,
        )

    def _has_properties(self) -> bool:
        """Say whether there is something to know before the first message comes."""
        resource = self._subscription.resource
        return resource.enable_exactly_once_delivery or resource.enable_message_ordering

    def _respond(self) -> None:
        self._owes_response = True
        self._signal.set()

    # What is read

    async def _read(self, requests: AsyncIterator[StreamingPullRequest]) -> None:
        try:
            async for request in requests:
                await self._handle(request)
        except Exception as error:  # a task's edge: the sender raises it
            self.end(error)
        else:
            self.end()

    async def _handle(self, request: StreamingPullRequest) -> None:
        check_later(request)
        answers = answers_of(request)
        self._deadline = request.stream_ack_deadline_seconds or self._deadline
        if self._keepalive and not any(answers):
            self._respond()
        await self.apply(answers)
