"""What else has a say in whether a resource may be: its schema, its transforms. No rules here."""

from typing import Protocol

from emulators.pubsub.protos import Subscription, Topic


class Approval(Protocol):
    """What knows more of a resource than its own fields.

    `old` is the resource before a change. What a method raises is told to the caller.
    """

    async def topic(self, resource: Topic, old: Topic | None) -> None:
        """Refuse a topic by raising."""

    async def subscription(self, resource: Subscription, old: Subscription | None) -> None:
        """Refuse a subscription by raising."""


class ApproveAll:
    """Refuses nothing."""

    async def topic(self, resource: Topic, old: Topic | None) -> None:
        return

    async def subscription(self, resource: Subscription, old: Subscription | None) -> None:
        return
