"""Pub/Sub over one bare channel, so that the load costs little beside what is measured."""

from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from emulators.pubsub import protos

# Each channel connects anew: after a kill, a shared connection would wait out its own back-off.
OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
]


class Raw:
    """The few methods that loads need. A context manager; closes its channel."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.aio.insecure_channel(address, options=OPTIONS)

    async def __aenter__(self) -> "Raw":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()

    async def create_topic(self, topic: str, **fields: Any) -> None:
        """Create a topic."""
        await self.call("Publisher/CreateTopic", protos.Topic(name=topic, **fields), protos.Topic)

    async def create_subscription(self, name: str, topic: str, **fields: Any) -> None:
        """Create a subscription; `fields` as the API names them."""
        resource = protos.Subscription(name=name, topic=topic, **fields)
        await self.call("Subscriber/CreateSubscription", resource, protos.Subscription)

    async def publish(self, topic: str, messages: list[protos.PubsubMessage]) -> list[str]:
        """Publish in one request; return the ids."""
        request = protos.PublishRequest(topic=topic, messages=messages)
        answer = await self.call("Publisher/Publish", request, protos.PublishResponse)
        return list(answer.message_ids)

    async def pull(
        self, subscription: str, limit: int, timeout: float = 5
    ) -> list[protos.ReceivedMessage]:
        """Pull up to `limit` messages; may be empty."""
        request = protos.PullRequest(subscription=subscription, max_messages=limit)
        answer = await self.call("Subscriber/Pull", request, protos.PullResponse, timeout)
        return list(answer.received_messages)

    async def acknowledge(self, subscription: str, ack_ids: list[str]) -> None:
        """Ack in one request."""
        request = protos.AcknowledgeRequest(subscription=subscription, ack_ids=ack_ids)
        await self.call("Subscriber/Acknowledge", request, Empty)

    async def modify(self, subscription: str, ack_ids: list[str], seconds: int) -> None:
        """Set ack deadlines; 0 is a nack."""
        request = protos.ModifyAckDeadlineRequest(
            subscription=subscription, ack_ids=ack_ids, ack_deadline_seconds=seconds
        )
        await self.call("Subscriber/ModifyAckDeadline", request, Empty)

    async def delete(self, topic: str, subscription: str) -> None:
        """Delete a topic and a subscription."""
        gone = protos.DeleteSubscriptionRequest(subscription=subscription)
        await self.call("Subscriber/DeleteSubscription", gone, Empty)
        await self.call("Publisher/DeleteTopic", protos.DeleteTopicRequest(topic=topic), Empty)

    async def call(
        self, method: str, request: Message, answer_type: type[Message], timeout: float = 30
    ) -> Any:
        """Call `google.pubsub.v1.{method}`. Raises: grpc.aio.AioRpcError."""
        call = self.channel.unary_unary(
            f"/google.pubsub.v1.{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer_type.FromString,
        )
        return await call(request, timeout=timeout)
