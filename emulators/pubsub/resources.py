"""Topics and subscriptions as the API describes them: limits, defaults, update masks.

What this emulator would not act on is refused as UNIMPLEMENTED; nothing is silently accepted.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from emulators.pubsub.errors import InvalidArgument, OutOfRange, Unimplemented
from emulators.pubsub.names import check_subscription_name, check_topic_name
from emulators.pubsub.policy import Policy, RetryPolicy
from emulators.pubsub.protos import DeadLetterPolicy, PushConfig, Subscription, Topic

DAY = 86_400
ACTIVE = 1  # Topic.State and Subscription.State
OUTPUT_ONLY = {"state", "satisfies_pzs", "topic_message_retention_duration", "detached"}
TOPIC_FIELDS = {"name", "labels", "message_storage_policy", "tags"}
SUBSCRIPTION_FIELDS = {
    "name", "topic", "push_config", "ack_deadline_seconds", "message_retention_duration", "labels",
    "enable_message_ordering", "expiration_policy", "dead_letter_policy", "retry_policy", "tags",
}  # fmt: skip
MUTABLE_FIELDS = SUBSCRIPTION_FIELDS - {"name", "topic", "enable_message_ordering", "tags"}
PUSH_FIELDS = {"push_endpoint", "attributes", "oidc_token", "pubsub_wrapper"}


def check_topic(topic: Topic) -> None:
    """Check a topic to be created. Raises: InvalidArgument, Unimplemented."""
    check_topic_name(topic.name)
    _clear_output_only(topic)
    _refuse_others("topic", topic, TOPIC_FIELDS)


def complete_subscription(subscription: Subscription) -> None:
    """Check a subscription and fill in the defaults, as the service's answer shows them.

    Raises: InvalidArgument, OutOfRange (dead-letter attempts), Unimplemented.
    """
    check_subscription_name(subscription.name)
    _clear_output_only(subscription)
    _refuse_others("subscription", subscription, SUBSCRIPTION_FIELDS)
    _complete_times(subscription)
    complete_push_config(subscription.push_config)
    _complete_dead_letter_policy(subscription)
    _complete_retry_policy(subscription)
    subscription.state = ACTIVE


def complete_push_config(config: PushConfig) -> None:
    """Check a push configuration and fill in the defaults; an empty one means pull."""
    _refuse_others("push_config", config, PUSH_FIELDS)
    if not config.push_endpoint:
        if config.HasField("oidc_token"):
            raise InvalidArgument("push_config.oidc_token needs a push_endpoint")
        config.Clear()
        config.SetInParent()
        return
    if not _is_http_url(config.push_endpoint):
        raise InvalidArgument(f"push_endpoint {config.push_endpoint!r} is not an http(s) URL")
    if config.HasField("oidc_token") and not config.oidc_token.service_account_email:
        raise InvalidArgument("push_config.oidc_token.service_account_email is empty")
    if "x-goog-version" not in config.attributes:
        config.attributes["x-goog-version"] = "v1"


def updated(old: Subscription, new: Subscription, mask: FieldMask) -> Subscription:
    """Return `old` with the fields of `mask` taken from `new`, checked and completed.

    Raises: InvalidArgument for an empty mask, an unknown path or one that cannot be changed.
    """
    _check_mask(mask)
    result = Subscription.FromString(old.SerializeToString())
    mask.MergeMessage(new, result, replace_message_field=True, replace_repeated_field=True)
    complete_subscription(result)
    return result


def policy_of(subscription: Subscription) -> Policy:
    """Return what the engine needs of a completed subscription."""
    retry = dead = None
    if subscription.HasField("retry_policy"):
        policy = subscription.retry_policy
        retry = RetryPolicy(_seconds(policy.minimum_backoff), _seconds(policy.maximum_backoff))
    if subscription.HasField("dead_letter_policy"):
        dead = subscription.dead_letter_policy.max_delivery_attempts
    return Policy(subscription.ack_deadline_seconds, retry, dead)


def _is_http_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return False
    printable = all("!" <= character <= "~" for character in text)
    return printable and url.scheme in ("http", "https") and bool(url.hostname) and port != 0


def _complete_times(subscription: Subscription) -> None:
    subscription.ack_deadline_seconds = subscription.ack_deadline_seconds or 10
    if not 10 <= subscription.ack_deadline_seconds <= 600:
        raise InvalidArgument(
            f"ack_deadline_seconds {subscription.ack_deadline_seconds} is not 0 or 10 to 600"
        )
    if not subscription.HasField("message_retention_duration"):
        subscription.message_retention_duration.seconds = 7 * DAY
    _check_duration(
        "message_retention_duration", subscription.message_retention_duration, 600, 31 * DAY
    )
    if not subscription.HasField("expiration_policy"):
        subscription.expiration_policy.ttl.seconds = 31 * DAY
    if subscription.expiration_policy.HasField("ttl"):
        ttl = subscription.expiration_policy.ttl
        _check_duration("expiration_policy.ttl", ttl, DAY, 315_576_000_000)


def _complete_dead_letter_policy(subscription: Subscription) -> None:
    if not subscription.HasField("dead_letter_policy"):
        return
    policy: DeadLetterPolicy = subscription.dead_letter_policy
    check_topic_name(policy.dead_letter_topic)
    policy.max_delivery_attempts = policy.max_delivery_attempts or 5
    if not 5 <= policy.max_delivery_attempts <= 100:
        raise OutOfRange(
            f"max_delivery_attempts {policy.max_delivery_attempts} is not 5 to 100, or 0 for 5"
        )


def _complete_retry_policy(subscription: Subscription) -> None:
    if not subscription.HasField("retry_policy"):
        return
    policy = subscription.retry_policy
    if not policy.HasField("minimum_backoff"):
        policy.minimum_backoff.seconds = 10
    if not policy.HasField("maximum_backoff"):
        policy.maximum_backoff.seconds = 600
    _check_duration("retry_policy.minimum_backoff", policy.minimum_backoff, 0, 600)
    _check_duration("retry_policy.maximum_backoff", policy.maximum_backoff, 0, 600)
    if _seconds(policy.minimum_backoff) > _seconds(policy.maximum_backoff):
        raise InvalidArgument("retry_policy.minimum_backoff is more than maximum_backoff")


def _check_duration(name: str, value: Duration, least: int, most: int) -> None:
    if not least <= _seconds(value) <= most:
        raise InvalidArgument(f"{name} of {_seconds(value):g} s is not {least} to {most} s")


def _seconds(value: Duration) -> float:
    return value.seconds + value.nanos / 1e9


def _check_mask(mask: FieldMask) -> None:
    if not mask.paths:
        raise InvalidArgument("update_mask is empty")
    for path in mask.paths:
        if not _is_field(path):
            raise InvalidArgument(f"update_mask path {path!r} is not a field of a subscription")
        if path.split(".")[0] not in MUTABLE_FIELDS:
            raise InvalidArgument(f"update_mask path {path!r} cannot be changed")


def _is_field(path: str) -> bool:
    """Say whether `path` leads through messages to a field of Subscription."""
    value: object = Subscription()
    for name in path.split("."):
        if not isinstance(value, Message) or name not in value.DESCRIPTOR.fields_by_name:
            return False
        value = getattr(value, name)
    return True


def _clear_output_only(message: Message) -> None:
    for name in OUTPUT_ONLY & set(message.DESCRIPTOR.fields_by_name):
        message.ClearField(name)


def _refuse_others(what: str, message: Message, known: Iterable[str]) -> None:
    unknown = [field.name for field, _ in message.ListFields() if field.name not in set(known)]
    if unknown:
        raise Unimplemented(f"{what}: {', '.join(unknown)} is not implemented by this emulator")
