"""Pub/Sub at its worst, within its promises: late, twice, out of order, unconfirmed, ack lost."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from shared.domain.envelope import Delivery, Message
from shared.domain.settlement import Answer

Push = Callable[[Delivery], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a topic's messages go; with a dead-letter topic after so many deliveries, or never."""

    name: str
    push: Push
    ack_deadline_seconds: float
    min_backoff_seconds: float
    max_backoff_seconds: float
    dead_letter_topic: str = ""
    max_delivery_attempts: int = 0


@dataclass(slots=True)
class _Held:
    """One message of one subscription: however often it is delivered, it is settled once."""

    message: Message
    message_id: str
    to: Subscription
    attempt: int = 0
    settled: bool = False

    def delivery(self) -> Delivery:
        return Delivery(
            self.message_id,
            self.to.name,
            self.message.data,
            self.message.attributes,
            self.attempt if self.to.dead_letter_topic else 0,
            self.message.ordering_key,
        )


class Broker:
    """Keeps what it was given until it is acked or forwarded."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._subscriptions: dict[str, list[Subscription]] = defaultdict(list)
        self._pushes: set[asyncio.Task[None]] = set()
        self._count = 0
        self.down = False
        self.unsure_chance = 0.0
        """Of a publish whose answer is lost; half of these are stored all the same."""
        self.twice_chance = 0.0
        self.ack_lost_chance = 0.0
        self.published: list[Message] = []

    def subscribe(self, topic: str, subscription: Subscription) -> None:
        """Push every later message of `topic` there."""
        self._subscriptions[topic].append(subscription)

    @property
    def outstanding(self) -> int:
        """Messages that are neither acked nor forwarded, each as often as it may be delivered."""
        return len(self._pushes)

    async def publish(self, messages: Sequence[Message]) -> list[bool]:
        """See `Publisher.publish`."""
        await asyncio.sleep(self._random.random() * 0.02)
        return [self._publish(message) for message in messages]

    def _publish(self, message: Message) -> bool:
        unsure = self.down or self._random.random() < self.unsure_chance
        if not (unsure and (self.down or self._random.random() < 0.5)):
            self._accept(message)
        return not unsure

    def _accept(self, message: Message) -> None:
        self._count += 1
        self.published.append(message)
        for subscription in self._subscriptions[message.topic]:
            held = _Held(message, f"m{self._count}", subscription)
            self._spawn(self._deliver(held))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        push = asyncio.ensure_future(work)
        self._pushes.add(push)
        push.add_done_callback(self._pushes.discard)

    async def _deliver(self, held: "_Held") -> None:
        """Until an ack of any of its deliveries, or its forwarding."""
        to, backoff = held.to, held.to.min_backoff_seconds
        await asyncio.sleep(self._random.random() * 0.1)
        while not held.settled:
            held.attempt += 1
            if self._random.random() < self.twice_chance:
                self._spawn(self._duplicate(held))
            if await self._acked(held) or held.settled:
                held.settled = True
            elif to.dead_letter_topic and held.attempt >= to.max_delivery_attempts:
                held.settled = True
                self._accept(
                    Message(to.dead_letter_topic, held.message.data, held.message.attributes)
                )
            else:
                await asyncio.sleep(backoff * (1 + self._random.random() * 0.2))
                backoff = min(to.max_backoff_seconds, max(1.0, backoff) * 2)

    async def _duplicate(self, held: "_Held") -> None:
        """The same message once more, at any time meanwhile; its ack counts for the message."""
        await asyncio.sleep(self._random.random() * held.to.ack_deadline_seconds)
        if not held.settled and await self._acked(held):
            held.settled = True

    async def _acked(self, held: "_Held") -> bool:
        """At the deadline the broker takes the delivery for failed; the receiver goes on."""
        push = asyncio.ensure_future(held.to.push(held.delivery()))
        await asyncio.wait({push}, timeout=held.to.ack_deadline_seconds)
        if not push.done():
            push.add_done_callback(lambda done: done.cancelled() or done.exception())
            return False
        if push.exception():
            return False
        return push.result() is Answer.ACK and self._random.random() >= self.ack_lost_chance

    async def ping(self) -> None:
        """See `Publisher.ping`."""
