"""One subscription while the emulator runs: its engine, its timer, who waits for messages."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from emulators.pubsub import protos
from emulators.pubsub.bodies import Bodies
from emulators.pubsub.clock import Clock, Timer
from emulators.pubsub.engine import Changes, Delivery, Engine
from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.journal import resolve
from emulators.pubsub.resources import policy_of
from emulators.pubsub.store import StoredMessage, seq_of
from emulators.pubsub.topic import LiveTopic
from emulators.pubsub.wire import AckId, Received

MAX_PULL_BYTES = 9_000_000


class Pusher(Protocol):
    """What delivers a push subscription's messages."""

    def pump(self) -> None:
        """Look whether something can be sent."""

    def stop(self) -> None:
        """Send no more; what is outstanding may still finish."""


class Owner(Protocol):
    """What a subscription tells the broker."""

    def forward(self, subscription: "Subscription", seq: int, deliveries: int) -> None:
        """Move an exhausted message to the dead-letter topic."""

    def touched(self, subscription: "Subscription") -> None:
        """Persist the subscription's changes with the next commit."""


class Subscription:
    """All of one subscription's deliveries. Every method runs on the event loop's thread."""

    def __init__(
        self,
        subscription_id: int,
        resource: protos.Subscription,
        topic: LiveTopic,
        *,
        engine: Engine,
        bodies: Bodies,
        clock: Clock,
        owner: Owner,
        make_pusher: Callable[["Subscription"], Pusher],
        floor: int,
    ) -> None:
        self.id = subscription_id
        self.topic = topic
        self.floor = floor
        self.pusher: Pusher | None = None
        self._engine = engine
        self._bodies = bodies
        self._clock = clock
        self._owner = owner
        self._make_pusher = make_pusher
        self._endpoint = ""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: Timer | None = None
        self._timer_at = 0.0
        self._gone: Exception | None = None
        self.configure(resource)

    def configure(self, resource: protos.Subscription) -> None:
        """Take over a changed resource; what is outstanding keeps its deadline."""
        self.resource = resource
        self._engine.policy = policy_of(resource)
        self._next_drop_ns = 0
        if resource.push_config.push_endpoint != self._endpoint:
            self._push_to(resource.push_config.push_endpoint)
        self._look()

    def published(self, head: int) -> None:
        """Learn of new messages."""
        self._engine.publish(head)
        self._look()

    async def pull(self, limit: int, wait_seconds: float) -> list[Received]:
        """Return up to `limit` deliveries, waiting for the first; empty after `wait_seconds`."""
        until = self._clock.now() + wait_seconds
        while True:
            received = self.take(limit)
            left = until - self._clock.now()
            if received or left <= 0 or not await self._wait(left):
                return received

    def take(self, limit: int, *, per_key: int | None = None) -> list[Received]:
        """Return up to `limit` deliveries that are available now."""
        if self._gone:
            raise self._gone
        self._drop_old()
        deliveries = self._engine.take(limit, self._clock.now(), per_key=per_key)
        received = self._received(deliveries)
        self._look()
        return received

    def ack(self, ack_ids: Iterable[AckId]) -> None:
        """Finish messages. Raises: InvalidArgument if an id is another subscription's."""
        for ack_id in self._own(ack_ids):
            self._engine.ack(ack_id.seq, ack_id.generation)
        self._look()

    def modify(self, ack_ids: Iterable[AckId], seconds: float) -> None:
        """Set deadlines to `seconds` from now, 0 is a nack. Raises: InvalidArgument as `ack`."""
        now = self._clock.now()
        for ack_id in self._own(ack_ids):
            self._engine.modify(ack_id.seq, ack_id.generation, seconds, now)
        self._look()

    def counts(self) -> dict[str, int]:
        """Return the sizes of the backlog, for people who look in."""
        return {"unacked": self._engine.unacked(), "outstanding": self._engine.outstanding()}

    def changes(self) -> Changes:
        """Return what is to be persisted, and move the floor."""
        changes = self._engine.changes()
        self.floor = changes.floor
        return changes

    def forwarded(self, seq: int) -> None:
        """Finish a message that stands on the dead-letter topic now."""
        self._engine.forwarded(seq)

    def refused(self, seq: int) -> None:
        """Deliver a message again that could not be forwarded."""
        self._engine.refused(seq, self._clock.now())

    def body(self, seq: int) -> StoredMessage | None:
        """Return a message of this subscription's topic."""
        return self._bodies.get(self.topic.position(seq), self.topic.position(self.topic.head))

    def end(self, reason: Exception) -> None:
        """Deliver nothing from now on; who waits gets `reason`."""
        self._gone = reason
        if self._timer:
            self._timer.cancel()
        if self.pusher:
            self.pusher.stop()
        for waiter in self._waiting:
            resolve(waiter)

    # How

    def _push_to(self, endpoint: str) -> None:
        """Start anew with another endpoint, which owes nothing to the former's back-off."""
        if self.pusher:
            self.pusher.stop()
        self._endpoint = endpoint
        self.pusher = self._make_pusher(self) if endpoint else None

    def _own(self, ack_ids: Iterable[AckId]) -> list[AckId]:
        own = list(ack_ids)
        for ack_id in own:
            if ack_id.subscription != self.id:
                raise InvalidArgument(f"ack_id '{ack_id}' belongs to another subscription")
        return own

    def _drop_old(self) -> None:
        """Give up what is older than the subscription keeps; looked at only when it can be so."""
        now = self._clock.wall_ns()
        if now < self._next_drop_ns:
            return
        kept_ns = self.resource.message_retention_duration.ToNanoseconds()
        head = self.topic.head
        first = self._bodies.first_since(
            self.topic.position(self.floor + 1), self.topic.position(head), now - kept_ns
        )
        position, published_ns = first or (self.topic.position(head + 1), now)
        self._engine.drop_through(seq_of(position) - 1)
        self._next_drop_ns = published_ns + kept_ns + 1

    def _received(self, deliveries: list[Delivery]) -> list[Received]:
        received: list[Received] = []
        size = 0
        for delivery in deliveries:
            message = self.body(delivery.seq)
            if message is None:  # older than the topic's log, so nobody can want it
                self._engine.ack(delivery.seq, delivery.generation)
            elif received and size + len(message.body) > MAX_PULL_BYTES:
                self._engine.give_back(delivery.seq, delivery.generation)
            else:
                size += len(message.body)
                received.append(self._as_received(delivery, message.body))
        return received

    def _as_received(self, delivery: Delivery, body: bytes) -> Received:
        shown = self.resource.HasField("dead_letter_policy")
        ack_id = AckId(self.id, delivery.seq, delivery.generation)
        return Received(ack_id, body, delivery.attempt if shown else 0)

    async def _wait(self, seconds: float) -> bool:
        """Wait until messages may be there; False after `seconds`."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await asyncio.wait((waiter,), timeout=seconds)
        except asyncio.CancelledError:
            if waiter.done():
                self._look()  # woken, but gone: the next one's turn
            raise
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
        return waiter.done()

    def _on_timer(self) -> None:
        self._timer = None
        self._engine.tick(self._clock.now())
        self._look()

    def _look(self) -> None:
        """After any change: forward what is exhausted, wake who can be served, set the timer."""
        if self._gone:
            return
        exhausted, self._engine.exhausted = self._engine.exhausted, []
        for seq, deliveries in exhausted:
            self._owner.forward(self, seq, deliveries)
        if self._engine.has_changes():
            self._owner.touched(self)
        if self._engine.has_ready():
            self._wake()
        self._set_timer()

    def _wake(self) -> None:
        if self.pusher:
            self.pusher.pump()
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _set_timer(self) -> None:
        at = self._engine.next_at()
        if at is None or self._gone or (self._timer and self._timer_at <= at):
            return
        if self._timer:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._clock.call_at(at, self._on_timer)
