"""What stands in Pub/Sub: topics and subscriptions of a project, as plain data.

The same calls ask Google and any emulator. It creates only what `doctor --fix` names.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from google.pubsub_v1 import PublisherClient, SubscriberClient

PATIENCE_SECONDS: Final = 5.0
KEPT_SECONDS: Final = 7 * 86_400
"""How long `-dead-hold` keeps messages (DESIGN, defaults)."""
ACK_DEADLINE_SECONDS: Final = 60

T = TypeVar("T")


class LookFailed(Exception):
    """Pub/Sub could not be asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription by full names; a text is empty where there is none."""

    name: str
    topic: str
    ack_deadline_seconds: int
    push_endpoint: str = ""
    dead_letter_topic: str = ""


@dataclass(frozen=True, slots=True)
class Topology:
    """All that a project has."""

    project: str
    topics: frozenset[str]
    subscriptions: tuple[Subscription, ...]


def look(project: str, address: str) -> Topology:
    """The topology of `project` at the emulator's `address`; at Google's when that is empty.

    Raises: LookFailed.
    """
    return _asked(lambda: _topology(project, address))


def add_hold(topic: str, address: str) -> str:
    """Make a pull subscription of a dead-letter topic that keeps its messages; its name.

    Raises: LookFailed.
    """
    return _asked(lambda: _held(topic, address))


def _asked(ask: Callable[[], T]) -> T:
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    try:
        return ask()
    except GoogleAuthError as nobody:
        raise LookFailed(f"no credentials of Google's: {nobody}".splitlines()[0]) from nobody
    except GoogleAPIError as failure:
        raise LookFailed(f"{type(failure).__name__}: {failure}".splitlines()[0]) from failure


def _topology(project: str, address: str) -> Topology:
    path, publisher, subscriber = f"projects/{project}", _publisher(address), _subscriber(address)
    with publisher, subscriber:
        topics = publisher.list_topics(project=path, retry=None, timeout=PATIENCE_SECONDS)
        names = frozenset(topic.name for topic in topics)
        found = subscriber.list_subscriptions(project=path, retry=None, timeout=PATIENCE_SECONDS)
        subscriptions = tuple(
            Subscription(
                one.name,
                one.topic,
                one.ack_deadline_seconds,
                one.push_config.push_endpoint,
                one.dead_letter_policy.dead_letter_topic,
            )
            for one in found
        )
    return Topology(project, names, subscriptions)


def _held(topic: str, address: str) -> str:
    name = topic.replace("/topics/", "/subscriptions/") + "-hold"
    request = {
        "name": name,
        "topic": topic,
        "ack_deadline_seconds": ACK_DEADLINE_SECONDS,
        "message_retention_duration": {"seconds": KEPT_SECONDS},
        "expiration_policy": {},
    }
    with _subscriber(address) as subscriber:
        subscriber.create_subscription(request=request, retry=None, timeout=PATIENCE_SECONDS)
    return name


def _publisher(address: str) -> "PublisherClient":
    import grpc
    from google.pubsub_v1 import PublisherClient
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

    if not address:
        return PublisherClient()
    channel = grpc.insecure_channel(address)
    return PublisherClient(transport=PublisherGrpcTransport(channel=channel))


def _subscriber(address: str) -> "SubscriberClient":
    import grpc
    from google.pubsub_v1 import SubscriberClient
    from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

    if not address:
        return SubscriberClient()
    channel = grpc.insecure_channel(address)
    return SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
