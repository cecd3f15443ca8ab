"""How far the subscriptions are, as the next commit writes it. No rule of delivery stands here."""

from collections.abc import Callable

from emulators.pubsub.journal import Journal
from emulators.pubsub.store import Batch
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.topic import LiveTopic


class Progress:
    """Acks, failures and seeks on their way to the store; `shrinks` learns whose floor moved."""

    def __init__(self, journal: Journal, shrinks: Callable[[LiveTopic], None]) -> None:
        self._journal = journal
        self._shrinks = shrinks
        self._changed: set[Subscription] = set()

    def touched(self, subscription: Subscription) -> None:
        """Persist a subscription's acks and failures with the next commit."""
        self._changed.add(subscription)
        self._journal.commit_lazily()

    def sought(self, subscription: Subscription, acked: list[int]) -> None:
        """Persist where a seek has left a subscription; `acked` is beyond its floor."""
        floor = subscription.floor
        self._journal.write("DELETE FROM acks WHERE subscription = ?", subscription.id)
        self._journal.write("DELETE FROM failures WHERE subscription = ?", subscription.id)
        self._journal.write(
            "UPDATE subscriptions SET floor = ? WHERE id = ?", floor, subscription.id
        )
        self._journal.batch.acks += [(subscription.id, seq) for seq in acked]
        self._shrinks(subscription.topic)

    def retains(self, subscription: Subscription) -> None:
        """Persist from where on a subscription retains what is acked."""
        statement = "UPDATE subscriptions SET retained_from = ? WHERE id = ?"
        self._journal.write(statement, subscription.retained_from, subscription.id)

    def deleted(self, subscription: Subscription) -> None:
        """Forget all of a subscription."""
        self._changed.discard(subscription)
        for statement in (
            "DELETE FROM subscriptions WHERE id = ?",
            "DELETE FROM acks WHERE subscription = ?",
            "DELETE FROM failures WHERE subscription = ?",
        ):
            self._journal.write(statement, subscription.id)
        self._shrinks(subscription.topic)

    def add_to(self, batch: Batch) -> None:
        """Add to a batch what the subscriptions have changed."""
        for subscription in self._changed:
            before, changes = subscription.floor, subscription.changes()
            batch.acks += [(subscription.id, seq) for seq in changes.acked]
            batch.failures += [(subscription.id, *item) for item in changes.failures.items()]
            if changes.floor > before:
                batch.floors[subscription.id] = changes.floor
                self._shrinks(subscription.topic)
        self._changed.clear()
