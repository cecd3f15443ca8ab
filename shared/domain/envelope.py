"""The form of a task inside a Pub/Sub message. It names the task; the payload stays in the row."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from shared.domain.task import DeadLetterCopy, Outgoing

SOURCE_PREFIX = "CloudPubSubDeadLetterSource"


class UndecodableEnvelope(Exception):
    """The message is not one of ours; the reason is the message of this error."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is published: to a topic (short id), with at least one attribute."""

    topic: str
    data: bytes
    attributes: dict[str, str]
    ordering_key: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a message says about its task."""

    task_id: UUID
    generation: int
    task_type: str
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One arrival of one message at a function, as the edge decoded it.

    `delivery_attempt` is the broker's count, 0 when it sent none.
    """

    message_id: str
    subscription: str
    data: bytes
    attributes: Mapping[str, str]
    delivery_attempt: int = 0
    ordering_key: str = ""


def message_of(task: Outgoing, topic: str) -> Message:
    """The message that brings `task` to its function through `topic`."""
    task_id = str(task.id)
    body = {
        "task_id": task_id,
        "generation": task.generation,
        "task_type": task.task_type,
        "enqueued_at": task.created_at.isoformat(),
    }
    attributes = {
        "task_id": task_id,
        "task_type": task.task_type,
        "generation": str(task.generation),
        "traceparent": task.traceparent,
    }
    return Message(topic, json.dumps(body).encode(), attributes, task.ordering_key)


def dead_letter_of(copy: DeadLetterCopy, topic: str, subscription: str, project: str) -> Message:
    """The message that Pub/Sub would have put on the dead-letter topic, had it forwarded it."""
    message = message_of(copy.task, topic)
    source = {
        f"{SOURCE_PREFIX}DeliveryCount": str(copy.attempt),
        f"{SOURCE_PREFIX}Subscription": subscription,
        f"{SOURCE_PREFIX}SubscriptionProject": project,
        f"{SOURCE_PREFIX}TopicPublishTime": copy.task.created_at.isoformat(),
    }
    return Message(topic, message.data, {**message.attributes, **source}, message.ordering_key)


def envelope_of(delivery: Delivery) -> Envelope:
    """Read which task `delivery` is about.

    Raises: UndecodableEnvelope when the data is not an envelope of ours.
    """
    try:
        body = json.loads(delivery.data)
        envelope = Envelope(
            task_id=UUID(body["task_id"]),
            generation=int(body["generation"]),
            task_type=str(body["task_type"]),
            traceparent=delivery.attributes.get("traceparent", ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as unreadable:
        raise UndecodableEnvelope(f"{type(unreadable).__name__}: {unreadable}") from None
    if not 0 <= envelope.generation < 2**31:
        raise UndecodableEnvelope(f"generation {envelope.generation} is out of range")
    return envelope
