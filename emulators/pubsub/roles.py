"""What a subscription is given to work with, by what it needs of each. No code runs here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from emulators.pubsub.protos import Subscription as Resource
    from emulators.pubsub.subscription import Subscription


class Pusher(Protocol):
    """What delivers a push subscription's messages."""

    def pump(self) -> None:
        """Look whether something can be sent."""

    def stop(self) -> None:
        """Send no more; what is outstanding may still finish."""


class Ledger(Protocol):
    """What keeps how far a subscription is."""

    def touched(self, subscription: Subscription) -> None:
        """Persist the subscription's changes with the next commit."""

    def sought(self, subscription: Subscription, acked: list[int]) -> None:
        """Persist where a seek has left the subscription; `acked` is beyond its floor."""

    def retains(self, subscription: Subscription) -> None:
        """Persist from where on the subscription retains what is acked."""


class Owner(Protocol):
    """What a subscription asks of the broker."""

    def forward(self, subscription: Subscription, seq: int, deliveries: int) -> None:
        """Move an exhausted message to the dead-letter topic."""

    def counts_attempts(self, resource: Resource) -> bool:
        """Say whether the subscription's deliveries show their attempt."""

    def expired(self, subscription: Subscription) -> None:
        """Delete a subscription that nobody has used for too long."""
