"""A subscription's fields: limits, defaults, what may be changed. Transforms are not known."""

import math

from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.filters import parse_filter
from emulators.pubsub.limits import DAY, Limits
from emulators.pubsub.names import check_subscription_name, check_topic_name
from emulators.pubsub.protos import Subscription
from emulators.pubsub.resources.exports import EXPORTS, complete_exports
from emulators.pubsub.resources.masks import merged
from emulators.pubsub.resources.policies import (
    complete_dead_letter_policy,
    complete_expiration,
    complete_retry_policy,
)
from emulators.pubsub.resources.push_configs import complete_push_config, keep_version
from emulators.pubsub.resources.values import (
    ACTIVE,
    check_duration,
    check_labels,
    clear,
    seconds_of,
)

# The server's own, and tags: input only, they are bound to the resource and never shown in it.
NOT_SHOWN = (
    "state", "detached", "topic_message_retention_duration", "analytics_hub_subscription_info",
    "tags",
)  # fmt: skip
MUTABLE = frozenset({
    "push_config", "bigquery_config", "cloud_storage_config", "bigtable_config",
    "ack_deadline_seconds", "retain_acked_messages", "message_retention_duration", "labels",
    "expiration_policy", "dead_letter_policy", "retry_policy", "enable_exactly_once_delivery",
    "message_transforms",
})  # fmt: skip


def complete_subscription(subscription: Subscription, limits: Limits) -> None:
    """Check a subscription and fill in the defaults, as the service's answer shows them.

    Raises: InvalidArgument, OutOfRange (dead-letter attempts).
    """
    check_subscription_name(subscription.name)
    check_topic_name(subscription.topic)
    clear(subscription, NOT_SHOWN)
    if not limits.any_filter:
        parse_filter(subscription.filter)
    _settle(subscription, limits)


def updated_subscription(
    old: Subscription, new: Subscription, mask: FieldMask, limits: Limits
) -> Subscription:
    """Return `old` with the fields of `mask` taken from `new`, checked and completed.

    Raises: InvalidArgument, OutOfRange (dead-letter attempts).
    """
    result = merged(old, new, mask, MUTABLE)
    keep_version(result.push_config, old.push_config)
    _settle(result, limits)
    return result


def _settle(subscription: Subscription, limits: Limits) -> None:
    complete_push_config(subscription.push_config, any_value=limits.any_value)
    complete_exports(subscription, any_value=limits.any_value)
    _complete_ack_deadline(subscription, limits)
    if not subscription.HasField("message_retention_duration"):
        subscription.message_retention_duration.seconds = 7 * DAY
    retention = subscription.message_retention_duration
    check_duration("message_retention_duration", retention, 600, 31 * DAY)
    complete_expiration(subscription, limits)
    complete_dead_letter_policy(subscription)
    complete_retry_policy(subscription)
    if not limits.any_value:
        check_labels(subscription.labels)
        _check_destination(subscription)
    subscription.state = ACTIVE


def _complete_ack_deadline(subscription: Subscription, limits: Limits) -> None:
    longest = subscription.cloud_storage_config.max_duration
    subscription.ack_deadline_seconds = subscription.ack_deadline_seconds or max(
        10, min(600, math.ceil(seconds_of(longest)))
    )
    if not limits.min_ack_deadline <= subscription.ack_deadline_seconds <= 600:
        raise InvalidArgument(
            f"ack_deadline_seconds {subscription.ack_deadline_seconds} is not 0 (for 10) or "
            f"{limits.min_ack_deadline} to 600"
        )


def _check_destination(subscription: Subscription) -> None:
    """Check that messages go one way only, and that way allows for the rest."""
    ways = [name for name in EXPORTS if subscription.HasField(name)]
    if subscription.push_config.push_endpoint:
        ways.append("push_config")
    if len(ways) > 1:
        raise InvalidArgument(f"at most one of {' and '.join(ways)} may be set")
    if ways and subscription.enable_exactly_once_delivery:
        raise InvalidArgument(
            f"enable_exactly_once_delivery works with pull only, not with {ways[0]}"
        )
    longest = seconds_of(subscription.cloud_storage_config.max_duration)
    if longest > subscription.ack_deadline_seconds:
        raise InvalidArgument(
            f"cloud_storage_config.max_duration of {longest:g} s is longer than "
            f"ack_deadline_seconds {subscription.ack_deadline_seconds}"
        )
