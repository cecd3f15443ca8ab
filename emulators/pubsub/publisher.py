"""The Publisher service: each RPC a few lines of translation to the broker's words."""

from typing import Any

from google.protobuf.empty_pb2 import Empty

from emulators.pubsub import protos
from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.messages import MAX_REQUEST_BYTES, check_publish
from emulators.pubsub.names import check_project, check_topic_name, page_of
from emulators.pubsub.rpc import Answer, Call, Rpc

SERVICE = "google.pubsub.v1.Publisher"


class Publisher:
    """RPCs on topics. Each answers with a serialised response."""

    def __init__(self, broker: Broker, admin: Admin) -> None:
        self._broker = broker
        self._admin = admin

    def methods(self) -> dict[str, Rpc[Any]]:
        """Return the methods by service and name."""
        return {
            f"{SERVICE}/CreateTopic": Rpc(protos.Topic, protos.Topic, self.create_topic),
            f"{SERVICE}/GetTopic": Rpc(protos.GetTopicRequest, protos.Topic, self.get_topic),
            f"{SERVICE}/ListTopics": Rpc(
                protos.ListTopicsRequest, protos.ListTopicsResponse, self.list_topics
            ),
            f"{SERVICE}/ListTopicSubscriptions": Rpc(
                protos.ListTopicSubscriptionsRequest,
                protos.ListTopicSubscriptionsResponse,
                self.list_topic_subscriptions,
            ),
            f"{SERVICE}/DeleteTopic": Rpc(protos.DeleteTopicRequest, Empty, self.delete_topic),
            f"{SERVICE}/Publish": Rpc(protos.PublishRequest, protos.PublishResponse, self.publish),
        }

    async def create_topic(self, topic: protos.Topic, _: Call) -> Answer:
        """Answer `CreateTopic`.

        Differs from the service: schemas, retention, ingestion and transforms are refused.
        """
        return await self._admin.create_topic(topic)

    async def get_topic(self, request: protos.GetTopicRequest, _: Call) -> Answer:
        """Answer `GetTopic`."""
        return self._broker.topic(check_topic_name(request.topic)).resource

    async def list_topics(self, request: protos.ListTopicsRequest, _: Call) -> Answer:
        """Answer `ListTopics`, by name."""
        prefix = check_project(request.project) + "/"
        names = [name for name in self._broker.topics if name.startswith(prefix)]
        page, token = page_of(names, request.page_size, request.page_token)
        topics = [self._broker.topics[name].resource for name in page]
        return protos.ListTopicsResponse(topics=topics, next_page_token=token)

    async def list_topic_subscriptions(
        self, request: protos.ListTopicSubscriptionsRequest, _: Call
    ) -> Answer:
        """Answer `ListTopicSubscriptions`, by name."""
        topic = self._broker.topic(check_topic_name(request.topic))
        names = [subscription.resource.name for subscription in topic.subscriptions.values()]
        page, token = page_of(names, request.page_size, request.page_token)
        return protos.ListTopicSubscriptionsResponse(subscriptions=page, next_page_token=token)

    async def delete_topic(self, request: protos.DeleteTopicRequest, _: Call) -> Answer:
        """Answer `DeleteTopic`: the topic's subscriptions stay."""
        await self._admin.delete_topic(check_topic_name(request.topic))
        return Empty()

    async def publish(self, request: protos.PublishRequest, _: Call) -> Answer:
        """Answer `Publish` once the messages are as durable as the emulator was started for."""
        size = request.ByteSize()
        if size > MAX_REQUEST_BYTES:
            raise InvalidArgument(f"the request has {size} bytes, the limit is {MAX_REQUEST_BYTES}")
        topic = check_topic_name(request.topic)
        check_publish(request.messages)
        ids = await self._broker.publish(topic, request.messages)
        return protos.PublishResponse(message_ids=ids)
