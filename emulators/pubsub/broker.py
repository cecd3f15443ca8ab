"""All topics and subscriptions, and what happens between them. Knows neither gRPC nor HTTP.

Every method runs on the event loop's thread, so nothing needs a lock; what a method awaits is the
commit of what it has already done.
"""

from collections.abc import Callable, Sequence

from emulators.pubsub import protos
from emulators.pubsub.bodies import Bodies
from emulators.pubsub.clock import Clock
from emulators.pubsub.dead_letters import dead_letter_of
from emulators.pubsub.engine import Engine
from emulators.pubsub.errors import NotFound
from emulators.pubsub.journal import Journal
from emulators.pubsub.logs import log
from emulators.pubsub.resources import policy_of
from emulators.pubsub.store import Batch, Store
from emulators.pubsub.subscription import Pusher, Subscription
from emulators.pubsub.topic import LiveTopic

# Beyond this many messages the cache's own bound is quicker than forgetting one by one.
FORGET_AT_MOST = 10_000


class Broker:
    """The state of the emulator. `start` loads what the store holds."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        make_pusher: Callable[[Subscription], Pusher],
        *,
        threaded: bool,
        failed: Callable[[Exception], None],
    ) -> None:
        self.topics: dict[str, LiveTopic] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.journal = Journal(
            store, threaded=threaded, before_commit=self._add_changes, failed=failed
        )
        self._store = store
        self._clock = clock
        self._make_pusher = make_pusher
        self._bodies = Bodies(store)
        self._changed: set[Subscription] = set()
        self._shrunk: set[LiveTopic] = set()

    def topic(self, name: str) -> LiveTopic:
        """Return a topic. Raises: NotFound."""
        if name not in self.topics:
            raise NotFound(f"topic {name!r} does not exist")
        return self.topics[name]

    def subscription(self, name: str) -> Subscription:
        """Return a subscription. Raises: NotFound."""
        if name not in self.subscriptions:
            raise NotFound(f"subscription {name!r} does not exist")
        return self.subscriptions[name]

    async def publish(self, topic: str, messages: Sequence[protos.PubsubMessage]) -> list[str]:
        """Store checked messages and return their ids once they are durable."""
        self._append(self.topic(topic), messages)
        await self.journal.commit()
        return [message.message_id for message in messages]

    def attach(
        self, subscription_id: int, resource: protos.Subscription, topic: LiveTopic, floor: int
    ) -> Subscription:
        """Put a subscription to work, with the acks and failures that the store has of it."""
        engine = Engine(
            policy_of(resource),
            floor=floor,
            acked=self._store.acks(subscription_id),
            failures=self._store.failures(subscription_id),
            key_of=self._key_of(topic) if resource.enable_message_ordering else None,
            generation=self._clock.wall_ns() // 10**6,  # above every earlier run's
        )
        subscription = Subscription(
            subscription_id,
            resource,
            topic,
            floor=floor,
            engine=engine,
            bodies=self._bodies,
            clock=self._clock,
            owner=self,
            make_pusher=self._make_pusher,
        )
        self.subscriptions[resource.name] = topic.subscriptions[subscription_id] = subscription
        return subscription

    def detach(self, subscription: Subscription, reason: Exception) -> None:
        """Stop a subscription's deliveries and forget it; its backlog is no longer kept for it."""
        subscription.end(reason)
        del self.subscriptions[subscription.resource.name]
        del subscription.topic.subscriptions[subscription.id]
        self._changed.discard(subscription)
        self._shrunk.add(subscription.topic)

    def touched(self, subscription: Subscription) -> None:
        """Persist a subscription's acks and failures with the next commit."""
        self._changed.add(subscription)
        self.journal.commit_lazily()

    def forward(self, subscription: Subscription, seq: int, deliveries: int) -> None:
        """Publish a message to the dead-letter topic and ack it at its source, in one commit."""
        policy = subscription.resource.dead_letter_policy
        target = self.topics.get(policy.dead_letter_topic)
        stored = subscription.body(seq)
        name = subscription.resource.name
        fields: dict[str, object] = {"subscription": name, "delivery_attempt": deliveries}
        if target is None:
            subscription.refused(seq)
            log.warning(
                "no dead-letter topic %r", policy.dead_letter_topic, extra={"fields": fields}
            )
            return
        if stored is not None:
            self._append(target, [dead_letter_of(stored.body, name, deliveries)])
            fields["message_id"] = str(stored.position)
        subscription.forwarded(seq)
        log.warning("dead-lettered to %s", policy.dead_letter_topic, extra={"fields": fields})

    def end(self, reason: Exception) -> None:
        """End all deliveries; who waits for one gets `reason`."""
        for subscription in self.subscriptions.values():
            subscription.end(reason)

    def _append(self, topic: LiveTopic, messages: Sequence[protos.PubsubMessage]) -> None:
        stored = topic.number(messages, self._clock.wall_ns())
        head = topic.numbered
        self.journal.batch.heads[topic.id] = head
        if topic.subscriptions:  # else nobody will ever see them
            self.journal.batch.messages.extend(stored)
            self._bodies.add(stored)
        self.journal.on_commit(lambda: topic.reach(head))

    def _key_of(self, topic: LiveTopic) -> Callable[[int], str]:
        def key_of(seq: int) -> str:
            message = self._bodies.get(topic.position(seq), topic.position(topic.head))
            return message.ordering_key if message else ""

        return key_of

    def _add_changes(self, batch: Batch) -> None:
        """Add to a batch what the subscriptions have changed, and what nobody needs any more."""
        shrunk, self._shrunk = self._shrunk, set()
        for subscription in self._changed:
            before, changes = subscription.floor, subscription.changes()
            batch.acks += [(subscription.id, seq) for seq in changes.acked]
            batch.failures += [(subscription.id, *item) for item in changes.failures.items()]
            if changes.floor > before:
                batch.floors[subscription.id] = changes.floor
                shrunk.add(subscription.topic)
        self._changed.clear()
        for topic in shrunk:
            self._compact(topic, batch)

    def _compact(self, topic: LiveTopic, batch: Batch) -> None:
        floor = topic.floor()
        if floor <= topic.compacted:
            return
        batch.compacted[topic.id] = floor
        for seq in range(max(topic.compacted, floor - FORGET_AT_MOST) + 1, floor + 1):
            self._bodies.forget(topic.position(seq))
        topic.compacted = floor
