"""Make the topics and subscriptions of a topology exist as planned, over gRPC; safe to repeat.

Runs only in the gRPC helper process, so that the supervisor never loads grpc.
"""

from collections.abc import Callable
from typing import TypeVar

import grpc
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from emulators.pubsub import protos
from emulators.stack.topology import Subscription, Topic, Topology

_LIMIT_SECONDS = 30
# What may differ on an existing subscription, as JSON names it; the rest is fixed at its creation.
_CHANGEABLE = {
    "push_config": "pushConfig",
    "ack_deadline_seconds": "ackDeadlineSeconds",
    "retry_policy": "retryPolicy",
    "dead_letter_policy": "deadLetterPolicy",
    "message_retention_duration": "messageRetentionDuration",
    "expiration_policy": "expirationPolicy",
}
Answer = TypeVar("Answer", bound=Message)


def provision(channel: grpc.Channel, topology: Topology) -> dict[str, int]:
    """Create what is missing and update what differs; returns how many of each.

    Raises:
        grpc.RpcError: the emulator refused something.
    """
    done = {"created": 0, "updated": 0, "kept": 0}
    for topic in topology.topics:
        done[_topic(channel, topic_json(topology.project, topic))] += 1
    for subscription in topology.subscriptions:
        done[_subscription(channel, subscription_json(topology.project, subscription))] += 1
    return {**done, "topics": len(topology.topics), "subscriptions": len(topology.subscriptions)}


def _topic(channel: grpc.Channel, fields: dict[str, object]) -> str:
    wanted = ParseDict(fields, protos.Topic())
    try:
        _call(channel, "Publisher/CreateTopic", wanted, protos.Topic)
    except grpc.RpcError as error:
        if "messageRetentionDuration" in fields and _code(error) is grpc.StatusCode.UNIMPLEMENTED:
            # An emulator without topic retention: its subscriptions still keep the messages.
            return _topic(channel, {"name": fields["name"]})
        _only(error, grpc.StatusCode.ALREADY_EXISTS)
        return "kept"
    return "created"


def _subscription(channel: grpc.Channel, fields: dict[str, object]) -> str:
    wanted = ParseDict(fields, protos.Subscription())
    try:
        _call(channel, "Subscriber/CreateSubscription", wanted, protos.Subscription)
    except grpc.RpcError as error:
        _only(error, grpc.StatusCode.ALREADY_EXISTS)
    else:
        return "created"
    request = protos.GetSubscriptionRequest(subscription=wanted.name)
    current = _call(channel, "Subscriber/GetSubscription", request, protos.Subscription)
    differing = [name for name in _CHANGEABLE if _value(wanted, name) != _value(current, name)]
    if not differing:
        return "kept"
    mask = ",".join(_CHANGEABLE[name] for name in differing)
    update = ParseDict(
        {"subscription": fields, "updateMask": mask}, protos.UpdateSubscriptionRequest()
    )
    _call(channel, "Subscriber/UpdateSubscription", update, protos.Subscription)
    return "updated"


def topic_json(project: str, topic: Topic) -> dict[str, object]:
    """The topic as Pub/Sub's JSON."""
    fields: dict[str, object] = {"name": f"projects/{project}/topics/{topic.name}"}
    if topic.retention_seconds:
        fields["messageRetentionDuration"] = f"{topic.retention_seconds}s"
    return fields


def subscription_json(project: str, plan: Subscription) -> dict[str, object]:
    """The subscription as Pub/Sub's JSON; an expiration policy without a ttl is "never"."""
    topics = f"projects/{project}/topics"
    fields: dict[str, object] = {
        "name": f"projects/{project}/subscriptions/{plan.name}",
        "topic": f"{topics}/{plan.topic}",
        "ackDeadlineSeconds": plan.ack_deadline_seconds,
        "messageRetentionDuration": f"{plan.retention_seconds}s",
        "expirationPolicy": {},
        "enableMessageOrdering": plan.ordering,
    }
    if plan.push_endpoint:
        fields["pushConfig"] = _push(plan)
    if plan.retry_seconds is not None:
        minimum, maximum = plan.retry_seconds
        fields["retryPolicy"] = {"minimumBackoff": f"{minimum}s", "maximumBackoff": f"{maximum}s"}
    if plan.dead_letter_topic:
        fields["deadLetterPolicy"] = {
            "deadLetterTopic": f"{topics}/{plan.dead_letter_topic}",
            "maxDeliveryAttempts": plan.max_delivery_attempts,
        }
    return fields


def _push(plan: Subscription) -> dict[str, object]:
    endpoint: dict[str, object] = {"pushEndpoint": plan.push_endpoint}
    if not plan.service_account:
        return endpoint
    token = {"serviceAccountEmail": plan.service_account, "audience": plan.push_endpoint}
    return endpoint | {"oidcToken": token}


def _value(subscription: protos.Subscription, name: str) -> object:
    """A field in comparable form; of the push config only what we set, for servers add to it."""
    value = getattr(subscription, name)
    if name == "push_config":
        return (value.push_endpoint, value.oidc_token.SerializeToString())
    return value.SerializeToString() if isinstance(value, Message) else value


def _code(error: grpc.RpcError) -> grpc.StatusCode | None:
    return error.code() if isinstance(error, grpc.Call) else None


def _only(error: grpc.RpcError, code: grpc.StatusCode) -> None:
    if _code(error) is not code:
        raise error


def _call(channel: grpc.Channel, method: str, request: Message, answer: type[Answer]) -> Answer:
    call: Callable[..., Answer] = channel.unary_unary(
        f"/google.pubsub.v1.{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer.FromString,
    )
    return call(request, timeout=_LIMIT_SECONDS)
