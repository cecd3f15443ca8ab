"""A subscription's policies: expiration, dead letters, retries, and what the engine gets."""

from emulators.pubsub.errors import InvalidArgument, OutOfRange
from emulators.pubsub.filters import Filter, parse_filter
from emulators.pubsub.limits import DAY, Limits
from emulators.pubsub.names import DELETED_TOPIC, check_topic_name
from emulators.pubsub.policy import Policy, RetryPolicy
from emulators.pubsub.protos import Subscription
from emulators.pubsub.resources.values import LONGEST_SECONDS, check_duration, seconds_of

DEFAULT_EXPIRATION = 31 * DAY


def policy_of(subscription: Subscription) -> Policy:
    """Return what the engine needs of a completed subscription."""
    retry = dead = None
    if subscription.HasField("retry_policy"):
        policy = subscription.retry_policy
        retry = RetryPolicy(seconds_of(policy.minimum_backoff), seconds_of(policy.maximum_backoff))
    if subscription.HasField("dead_letter_policy"):
        dead = subscription.dead_letter_policy.max_delivery_attempts
    exactly_once = subscription.enable_exactly_once_delivery
    return Policy(subscription.ack_deadline_seconds, retry, dead, exactly_once)


def acked_retention_ns(subscription: Subscription) -> int:
    """Return how long acked messages are kept for a subscription, 0 if they are not."""
    if not subscription.retain_acked_messages:
        return 0
    return subscription.message_retention_duration.ToNanoseconds()


def filter_of(subscription: Subscription) -> Filter | None:
    """Return a subscription's filter; None to let everything through."""
    try:
        return parse_filter(subscription.filter) if subscription.filter.strip() else None
    except InvalidArgument:  # only lenient limits have let it in
        return None


def complete_expiration(subscription: Subscription, limits: Limits) -> None:
    """Fill in 31 days if no policy is set; one without ttl means never. Raises: InvalidArgument."""
    if not subscription.HasField("expiration_policy"):
        subscription.expiration_policy.ttl.seconds = DEFAULT_EXPIRATION
    policy = subscription.expiration_policy
    if policy.HasField("ttl"):
        check_duration("expiration_policy.ttl", policy.ttl, limits.min_expiration, LONGEST_SECONDS)


def complete_dead_letter_policy(subscription: Subscription) -> None:
    """Fill in 5 attempts. Whether the topic exists is seen elsewhere.

    Raises: InvalidArgument (topic), OutOfRange (attempts).
    """
    if not subscription.HasField("dead_letter_policy"):
        return
    policy = subscription.dead_letter_policy
    if policy.dead_letter_topic != DELETED_TOPIC:
        check_topic_name(policy.dead_letter_topic)
    policy.max_delivery_attempts = policy.max_delivery_attempts or 5
    if not 5 <= policy.max_delivery_attempts <= 100:
        raise OutOfRange(
            f"max_delivery_attempts {policy.max_delivery_attempts} is not 5 to 100, or 0 for 5"
        )


def complete_retry_policy(subscription: Subscription) -> None:
    """Fill in 10 s and 600 s. Raises: InvalidArgument."""
    if not subscription.HasField("retry_policy"):
        return
    policy = subscription.retry_policy
    if not policy.HasField("minimum_backoff"):
        policy.minimum_backoff.seconds = 10
    if not policy.HasField("maximum_backoff"):
        policy.maximum_backoff.seconds = 600
    check_duration("retry_policy.minimum_backoff", policy.minimum_backoff, 0, 600)
    check_duration("retry_policy.maximum_backoff", policy.maximum_backoff, 0, 600)
    if seconds_of(policy.minimum_backoff) > seconds_of(policy.maximum_backoff):
        raise InvalidArgument("retry_policy.minimum_backoff is more than maximum_backoff")
