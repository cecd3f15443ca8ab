"""Dead letters: whether and where to they go, and what a message looks like there."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from emulators.pubsub.clock import Clock
from emulators.pubsub.iam.permits import Permits
from emulators.pubsub.logs import log
from emulators.pubsub.names import split
from emulators.pubsub.protos import PubsubMessage
from emulators.pubsub.protos import Subscription as Resource
from emulators.pubsub.seldom import Seldom
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.topic import LiveTopic

_SOURCE = "CloudPubSubDeadLetterSource"


class DeadLetters:
    """Forwards what is out of attempts; `append` publishes to a topic with the next commit."""

    def __init__(
        self,
        topics: Mapping[str, LiveTopic],
        permits: Permits,
        clock: Clock,
        append: Callable[[LiveTopic, Sequence[PubsubMessage]], None],
    ) -> None:
        self._topics = topics
        self._permits = permits
        self._seldom = Seldom(clock)
        self._append = append

    def forward(self, subscription: Subscription, seq: int, deliveries: int) -> None:
        """Publish a message to the dead-letter topic and ack it at its source, in one commit."""
        policy = subscription.resource.dead_letter_policy
        target = self._topics.get(policy.dead_letter_topic)
        stored = subscription.body(seq)
        name = subscription.resource.name
        fields: dict[str, object] = {"subscription": name, "delivery_attempt": deliveries}
        if target is None:
            subscription.refused(seq)
            if self._seldom.due(name):
                log.warning(
                    "no dead-letter topic %r", policy.dead_letter_topic, extra={"fields": fields}
                )
            return
        if missing := self._permits.may_dead_letter(name, policy.dead_letter_topic):
            subscription.refused(seq)
            if self._seldom.due(name):
                log.error(
                    "not dead-lettered, delivered again: %s", missing, extra={"fields": fields}
                )
            return
        if stored is not None:
            self._append(target, [dead_letter_of(stored.body, name, deliveries)])
            fields["message_id"] = str(stored.position)
        subscription.forwarded(seq)
        log.warning("dead-lettered to %s", policy.dead_letter_topic, extra={"fields": fields})

    def counts_attempts(self, resource: Resource) -> bool:
        """Say whether deliveries of a subscription show their attempt.

        Source: Pub/Sub, "Dead-letter topics": counted only if the permissions are there as well.
        """
        if not resource.HasField("dead_letter_policy"):
            return False
        topic = resource.dead_letter_policy.dead_letter_topic
        return self._permits.may_dead_letter(resource.name, topic) is None


def dead_letter_of(body: bytes, subscription: str, deliveries: int) -> PubsubMessage:
    """Return the message to publish: data, attributes and ordering key kept, four attributes added.

    `body` is the serialised message, `subscription` the full name of the one that gave up on it.
    Source: the public samples' output; the time has milliseconds and a numeric offset.
    """
    message = PubsubMessage.FromString(body)
    project, short_id = split(subscription)
    message.attributes.update(
        {
            f"{_SOURCE}DeliveryCount": str(deliveries),
            f"{_SOURCE}Subscription": short_id,
            f"{_SOURCE}SubscriptionProject": project,
            f"{_SOURCE}TopicPublishTime": _rfc3339(message),
        }
    )
    return message


def _rfc3339(message: PubsubMessage) -> str:
    seconds = message.publish_time.seconds + message.publish_time.nanos / 1e9
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
