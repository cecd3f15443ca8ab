"""All topics and subscriptions, and what happens between them. Knows neither gRPC nor HTTP.

Every method runs on the event loop's thread, so nothing needs a lock; what a method awaits is the
commit of what it has already done.
"""

from collections.abc import Callable, Sequence

from emulators.pubsub import protos
from emulators.pubsub.bodies import Bodies
from emulators.pubsub.clock import Clock
from emulators.pubsub.compaction import Compaction
from emulators.pubsub.dead_letters import DeadLetters
from emulators.pubsub.documents import Documents
from emulators.pubsub.engine import Engine
from emulators.pubsub.errors import FailedPrecondition, NotFound
from emulators.pubsub.iam.permits import Enforcer, PermitAll, Permits
from emulators.pubsub.iam.policies import Policies
from emulators.pubsub.journal import Journal
from emulators.pubsub.log_view import LogView
from emulators.pubsub.logs import log
from emulators.pubsub.memory import Trimmer
from emulators.pubsub.progress import Progress
from emulators.pubsub.replay import Replay
from emulators.pubsub.resources import policy_of
from emulators.pubsub.roles import Pusher
from emulators.pubsub.snapshots import LiveSnapshot, Snapshots
from emulators.pubsub.store import Batch, Store, StoredMessage, seq_of
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.topic import LiveTopic
from emulators.pubsub.transforms.runner import TransformRunner


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
        enforce_iam: bool = False,
    ) -> None:
        self.topics: dict[str, LiveTopic] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.journal = Journal(
            store, threaded=threaded, before_commit=self._add_changes, failed=failed
        )
        self.policies = Policies(Documents("iam_policy", store, self.journal))
        self.permits: Permits = Enforcer(self.policies) if enforce_iam else PermitAll()
        self.transforms = TransformRunner()
        self._dead_letters = DeadLetters(self.topics, self.permits, clock, self._append)
        # Told of every message, also of those that nobody will ever ask for.
        self.on_published: Callable[[LiveTopic, Sequence[StoredMessage]], None] = _ignore
        self._store = store
        self._clock = clock
        self._make_pusher = make_pusher
        self._trimmer = Trimmer()
        self._bodies = Bodies(store, passed=self._trimmer.passed)
        self._compaction = Compaction(self._bodies, clock, self.journal.commit_lazily)
        self._progress = Progress(self.journal, self._compaction.look_at)
        self.snapshots = Snapshots(store, self.journal, clock, gone=self._snapshot_is_gone)
        self.replay = Replay(self._bodies, self.snapshots, clock)

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
        self,
        subscription_id: int,
        resource: protos.Subscription,
        topic: LiveTopic,
        floor: int,
        *,
        retained_from: int | None = None,
    ) -> Subscription:
        """Put a subscription to work, with the acks and failures that the store has of it."""
        log_view = LogView(resource, topic, self._bodies)
        engine = Engine(
            policy_of(resource),
            floor=floor,
            acked=self._store.acks(subscription_id),
            failures=self._store.failures(subscription_id),
            log=log_view if log_view.ordered or log_view.filtered else None,
            generation=self._clock.wall_ns() // 1000,  # above every earlier run's
        )
        subscription = Subscription(
            subscription_id,
            resource,
            topic,
            floor=floor,
            retained_from=floor if retained_from is None else retained_from,
            engine=engine,
            bodies=self._bodies,
            clock=self._clock,
            owner=self,
            ledger=self._progress,
            make_pusher=self._make_pusher,
            runner=self.transforms,
        )
        self.subscriptions[resource.name] = subscription
        if resource.detached:
            self._let_go(subscription)
        else:
            topic.subscriptions[subscription_id] = subscription
        return subscription

    def resume(self, topic: LiveTopic) -> None:
        """Let a topic go on from what the store has of it, once its subscriptions are attached."""
        bounds = topic.position(0), topic.position(topic.head)
        first = self._store.first_since(*bounds, 0)
        topic.compacted = seq_of(first[0]) - 1 if first else topic.head
        topic.last_published_ns = self._store.last_published_ns(*bounds)
        topic.reach(topic.head)
        self._compaction.look_at(topic)
        self.drop_if_orphan(topic)

    def retention_changed(self, topic: LiveTopic) -> None:
        """Let the subscriptions show a topic's changed retention, and keep messages by it."""
        for subscription in topic.subscriptions.values():
            subscription.configure(subscription.resource)
        self._compaction.look_at(topic)

    def detach(self, subscription: Subscription) -> None:
        """Give a subscription nothing any more; it stays, without its backlog.

        Its waiting pulls and streams get FailedPrecondition. Safe to repeat.
        """
        topic = subscription.topic
        if topic.subscriptions.pop(subscription.id, None) is None:
            return
        subscription.resource.detached = True
        subscription.seek(topic.numbered, [])
        self._let_go(subscription)
        self.journal.write(
            "UPDATE subscriptions SET resource = ? WHERE id = ?",
            subscription.resource.SerializeToString(),
            subscription.id,
        )
        self._compaction.look_at(topic)

    def delete_subscription(self, subscription: Subscription, reason: Exception) -> None:
        """Delete a subscription and its backlog; waiting pulls and streams get `reason`."""
        subscription.end(reason)
        topic = subscription.topic
        del self.subscriptions[subscription.resource.name]
        topic.subscriptions.pop(subscription.id, None)
        topic.detached.pop(subscription.id, None)
        self.policies.forget(subscription.resource.name)
        self._progress.deleted(subscription)
        self.drop_if_orphan(topic)

    def drop_if_orphan(self, topic: LiveTopic) -> None:
        """Forget a deleted topic that no subscription and no snapshot needs any more."""
        deleted = self.topics.get(topic.resource.name) is not topic
        if deleted and not (topic.subscriptions or topic.detached or topic.snapshots):
            self._compaction.remove(topic)

    def expired(self, subscription: Subscription) -> None:
        """Delete a subscription that nobody has used for as long as its policy says."""
        name = subscription.resource.name
        self.delete_subscription(subscription, NotFound(f"subscription {name!r} has expired"))
        self.journal.commit_lazily()
        ttl = subscription.resource.expiration_policy.ttl.ToJsonString()
        fields = {"subscription": name, "unused_for": ttl}
        log.warning("subscription expired and is deleted", extra={"fields": fields})

    def write(self, statement: str, row: tuple[int | str | bytes, ...]) -> None:
        """Let the next commit run a statement."""
        self.journal.write(statement, *row)

    def forward(self, subscription: Subscription, seq: int, deliveries: int) -> None:
        """Move an exhausted message to the dead-letter topic."""
        self._dead_letters.forward(subscription, seq, deliveries)

    def counts_attempts(self, resource: protos.Subscription) -> bool:
        """Say whether deliveries of a subscription show their attempt."""
        return self._dead_letters.counts_attempts(resource)

    def end(self, reason: Exception) -> None:
        """End all deliveries; who waits for one gets `reason`."""
        self._trimmer.close()
        self.snapshots.end()
        for subscription in self.subscriptions.values():
            subscription.end(reason)

    def _append(self, topic: LiveTopic, messages: Sequence[protos.PubsubMessage]) -> None:
        before = topic.numbered
        stored = topic.number(messages, self._clock.wall_ns())
        self.on_published(topic, stored)
        head = topic.numbered
        self.journal.batch.heads[topic.id] = head
        if topic.is_wanted():
            self.journal.batch.messages.extend(stored)
            self._bodies.add(stored)
            self._compaction.published(topic)
        elif topic.compacted == before:
            topic.compacted = head  # nobody will ever see them, so they are not there
        self.journal.on_commit(lambda: topic.reach(head))

    def _let_go(self, subscription: Subscription) -> None:
        name = subscription.resource.name
        subscription.topic.detached[subscription.id] = subscription
        subscription.end(FailedPrecondition(f"subscription {name!r} is detached from its topic"))

    def _snapshot_is_gone(self, snapshot: LiveSnapshot) -> None:
        self.policies.forget(snapshot.resource.name)
        self._compaction.look_at(snapshot.topic)
        self.drop_if_orphan(snapshot.topic)

    def _add_changes(self, batch: Batch) -> None:
        """Add to a batch what the subscriptions have changed, and what nobody needs any more."""
        self._progress.add_to(batch)
        self._compaction.add_to(batch)


def _ignore(_: LiveTopic, __: Sequence[StoredMessage]) -> None:
    """Take no note of what is published."""
