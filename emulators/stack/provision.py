"""Make the topics and subscriptions of a topology exist as planned, over gRPC; safe to repeat.

Runs only in the gRPC helper process, so that the supervisor never loads grpc.
"""

from collections.abc import Callable
from typing import Any

import grpc

from emulators.pubsub import protos
from emulators.stack.topology import Subscription, Topic, Topology

_LIMIT_SECONDS = 10
_TOPIC_FIELDS = ("message_retention_duration",)
_SUBSCRIPTION_FIELDS = (
    "push_config",
    "ack_deadline_seconds",
    "retry_policy",
    "dead_letter_policy",
    "message_retention_duration",
    "expiration_policy",
)


def provision(channel: grpc.Channel, topology: Topology) -> dict[str, int]:
    """Create what is missing and update what differs; returns how many of each.

    Raises:
        grpc.RpcError: the emulator refused something.
    """
    done = {"created": 0, "updated": 0}
    for topic in topology.topics:
        done[_topic(channel, topology.project, topic)] += 1
    for subscription in topology.subscriptions:
        done[_subscription(channel, topology.project, subscription)] += 1
    return {**done, "topics": len(topology.topics), "subscriptions": len(topology.subscriptions)}


def _topic(channel: grpc.Channel, project: str, topic: Topic) -> str:
    wanted = protos.Topic(name=f"projects/{project}/topics/{topic.name}")
    if topic.retention_seconds:
        wanted.message_retention_duration.seconds = topic.retention_seconds
    call = _Caller(channel, "Publisher")
    try:
        call("CreateTopic", wanted, protos.Topic)
    except grpc.RpcError as error:
        _only(error, grpc.StatusCode.ALREADY_EXISTS)
        current = call("GetTopic", protos.GetTopicRequest(topic=wanted.name), protos.Topic)
        if differing := _differing(wanted, current, _TOPIC_FIELDS):
            request = protos.UpdateTopicRequest(topic=wanted, update_mask={"paths": differing})
            call("UpdateTopic", request, protos.Topic)
        return "updated"
    return "created"


def _subscription(channel: grpc.Channel, project: str, subscription: Subscription) -> str:
    wanted = subscription_proto(project, subscription)
    call = _Caller(channel, "Subscriber")
    try:
        call("CreateSubscription", wanted, protos.Subscription)
    except grpc.RpcError as error:
        _only(error, grpc.StatusCode.ALREADY_EXISTS)
        request = protos.GetSubscriptionRequest(subscription=wanted.name)
        current = call("GetSubscription", request, protos.Subscription)
        if differing := _differing(wanted, current, _SUBSCRIPTION_FIELDS):
            update = protos.UpdateSubscriptionRequest(
                subscription=wanted, update_mask={"paths": differing}
            )
            call("UpdateSubscription", update, protos.Subscription)
        return "updated"
    return "created"


def subscription_proto(project: str, subscription: Subscription) -> Any:
    """The `google.pubsub.v1.Subscription` that the plan describes."""
    topics = f"projects/{project}/topics"
    wanted = protos.Subscription(
        name=f"projects/{project}/subscriptions/{subscription.name}",
        topic=f"{topics}/{subscription.topic}",
        ack_deadline_seconds=subscription.ack_deadline_seconds,
        enable_message_ordering=subscription.ordering,
    )
    wanted.message_retention_duration.seconds = subscription.retention_seconds
    wanted.expiration_policy.SetInParent()  # present without a ttl: it never expires
    if subscription.push_endpoint:
        wanted.push_config.push_endpoint = subscription.push_endpoint
        if subscription.service_account:
            wanted.push_config.oidc_token.service_account_email = subscription.service_account
            wanted.push_config.oidc_token.audience = subscription.push_endpoint
    if subscription.retry_seconds is not None:
        minimum, maximum = subscription.retry_seconds
        wanted.retry_policy.minimum_backoff.FromNanoseconds(int(minimum * 1e9))
        wanted.retry_policy.maximum_backoff.FromNanoseconds(int(maximum * 1e9))
    if subscription.dead_letter_topic:
        policy = wanted.dead_letter_policy
        policy.dead_letter_topic = f"{topics}/{subscription.dead_letter_topic}"
        policy.max_delivery_attempts = subscription.max_delivery_attempts
    return wanted


def _differing(wanted: Any, current: Any, fields: tuple[str, ...]) -> list[str]:
    return [name for name in fields if _comparable(wanted, name) != _comparable(current, name)]


def _comparable(message: Any, name: str) -> object:
    """A field's value; of the push config only what we set, for servers add attributes."""
    value = getattr(message, name)
    if name == "push_config":
        return (value.push_endpoint, value.oidc_token.SerializeToString())
    return value if not hasattr(value, "SerializeToString") else value.SerializeToString()


def _only(error: grpc.RpcError, code: grpc.StatusCode) -> None:
    if not isinstance(error, grpc.Call) or error.code() is not code:
        raise error


class _Caller:
    """Calls one Pub/Sub service by method name."""

    def __init__(self, channel: grpc.Channel, service: str) -> None:
        self._channel = channel
        self._service = service

    def __call__(self, method: str, request: Any, answer: Any) -> Any:
        parse: Callable[[bytes], Any] = answer.FromString
        call = self._channel.unary_unary(
            f"/google.pubsub.v1.{self._service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=parse,
        )
        return call(request, timeout=_LIMIT_SECONDS)
