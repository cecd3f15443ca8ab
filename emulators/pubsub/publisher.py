"""The Publisher service: each RPC a few lines of translation to the broker's words."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.empty_pb2 import Empty

from emulators.pubsub import protos
from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import NotFound
from emulators.pubsub.intake import Intake, concerns, filtered_id
from emulators.pubsub.limits import DOCUMENTED, Limits
from emulators.pubsub.messages import check_publish
from emulators.pubsub.names import check_project, check_topic_name, page_of
from emulators.pubsub.rpc import Answer, Call, Rpc

SERVICE = "google.pubsub.v1.Publisher"


class Publisher:
    """RPCs on topics. Each answers with a serialised response."""

    def __init__(
        self, broker: Broker, admin: Admin, intake: Intake, *, limits: Limits = DOCUMENTED
    ) -> None:
        self._intake = intake
        self._broker = broker
        self._admin = admin
        self._limits = limits

    def methods(self) -> dict[str, Rpc[Any]]:
        """Return the methods by service and name."""
        return {
            f"{SERVICE}/CreateTopic": Rpc(protos.Topic, protos.Topic, self.create_topic),
            f"{SERVICE}/UpdateTopic": Rpc(
                protos.UpdateTopicRequest, protos.Topic, self.update_topic
            ),
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

        Differs from the service: keys, storage policies and ingestion are kept and not acted on.
        """
        return await self._admin.create_topic(topic)

    async def update_topic(self, request: protos.UpdateTopicRequest, _: Call) -> Answer:
        """Answer `UpdateTopic`.

        Differs from the service: a storage policy that is taken away leaves none, because no
        project or organization has one.
        """
        check_topic_name(request.topic.name)
        return await self._admin.update_topic(request.topic, request.update_mask)

    async def get_topic(self, request: protos.GetTopicRequest, _: Call) -> Answer:
        """Answer `GetTopic`."""
        return self._broker.topic(check_topic_name(request.topic)).resource

    async def list_topics(self, request: protos.ListTopicsRequest, _: Call) -> Answer:
        """Answer `ListTopics`, by name."""
        prefix = check_project(request.project) + "/"
        names = [name for name in self._broker.topics if name.startswith(prefix)]
        page, token = page_of(names, request.page_size, request.page_token, limits=self._limits)
        topics = [self._broker.topics[name].resource for name in page]
        return protos.ListTopicsResponse(topics=topics, next_page_token=token)

    async def list_topic_subscriptions(
        self, request: protos.ListTopicSubscriptionsRequest, _: Call
    ) -> Answer:
        """Answer `ListTopicSubscriptions`, by name."""
        names = self._subscriptions_of(check_topic_name(request.topic))
        page, token = page_of(names, request.page_size, request.page_token, limits=self._limits)
        return protos.ListTopicSubscriptionsResponse(subscriptions=page, next_page_token=token)

    async def delete_topic(self, request: protos.DeleteTopicRequest, _: Call) -> Answer:
        """Answer `DeleteTopic`: the topic's subscriptions stay."""
        await self._admin.delete_topic(check_topic_name(request.topic))
        return Empty()

    async def publish(self, request: protos.PublishRequest, _: Call) -> Answer:
        """Answer `Publish` once the messages are as durable as the emulator was started for."""
        topic = check_topic_name(request.topic)
        check_publish(request, self._limits)
        resource = self._broker.topic(topic).resource
        if concerns(resource):
            ids = await self._publish_admitted(topic, resource, request.messages)
        else:
            ids = await self._broker.publish(topic, request.messages)
        return protos.PublishResponse(message_ids=ids)

    async def _publish_admitted(
        self, topic: str, resource: protos.Topic, messages: Sequence[protos.PubsubMessage]
    ) -> list[str]:
        """Store what the topic's transforms and schema let through; the others have ids as well."""
        admitted = await self._intake.admit(resource, messages)
        stored = [message for message in admitted if message is not None]
        ids = iter(await self._broker.publish(topic, stored))
        return [filtered_id() if message is None else next(ids) for message in admitted]

    def _subscriptions_of(self, topic: str) -> list[str]:
        try:
            subscriptions = self._broker.topic(topic).subscriptions.values()
        except NotFound:
            if self._limits.missing_topic_lists_empty:
                return []
            raise
        return [subscription.resource.name for subscription in subscriptions]
