"""The Subscriber service: each RPC a few lines of translation to the broker's words."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub import protos
from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.names import check_project, check_subscription_name, page_of
from emulators.pubsub.rpc import Answer, Call, Rpc
from emulators.pubsub.wire import AckId, pull_response

SERVICE = "google.pubsub.v1.Subscriber"
LONGEST_PULL = 5.0
MAX_PULL = 1000
MAX_ACK_REQUEST_BYTES = 512 * 1024


class Subscriber:
    """RPCs on subscriptions. Each answers with a serialised response."""

    def __init__(self, broker: Broker, admin: Admin) -> None:
        self._broker = broker
        self._admin = admin

    def methods(self) -> dict[str, Rpc[Any]]:
        """Return the methods by service and name."""
        return {
            f"{SERVICE}/CreateSubscription": Rpc(
                protos.Subscription, protos.Subscription, self.create
            ),
            f"{SERVICE}/GetSubscription": Rpc(
                protos.GetSubscriptionRequest, protos.Subscription, self.get
            ),
            f"{SERVICE}/UpdateSubscription": Rpc(
                protos.UpdateSubscriptionRequest, protos.Subscription, self.update
            ),
            f"{SERVICE}/ListSubscriptions": Rpc(
                protos.ListSubscriptionsRequest, protos.ListSubscriptionsResponse, self.list
            ),
            f"{SERVICE}/DeleteSubscription": Rpc(
                protos.DeleteSubscriptionRequest, Empty, self.delete
            ),
            f"{SERVICE}/ModifyPushConfig": Rpc(
                protos.ModifyPushConfigRequest, Empty, self.modify_push_config
            ),
            f"{SERVICE}/Pull": Rpc(protos.PullRequest, protos.PullResponse, self.pull),
            f"{SERVICE}/Acknowledge": Rpc(protos.AcknowledgeRequest, Empty, self.acknowledge),
            f"{SERVICE}/ModifyAckDeadline": Rpc(
                protos.ModifyAckDeadlineRequest, Empty, self.modify_ack_deadline
            ),
        }

    async def create(self, resource: protos.Subscription, _: Call) -> Answer:
        """Answer `CreateSubscription`.

        Differs from the service: filters, exactly-once, exports and transforms are refused.
        """
        return await self._admin.create_subscription(resource)

    async def get(self, request: protos.GetSubscriptionRequest, _: Call) -> Answer:
        """Answer `GetSubscription`, defaults filled in."""
        name = check_subscription_name(request.subscription)
        return self._broker.subscription(name).resource

    async def update(self, request: protos.UpdateSubscriptionRequest, _: Call) -> Answer:
        """Answer `UpdateSubscription`."""
        check_subscription_name(request.subscription.name)
        return await self._admin.update_subscription(request.subscription, request.update_mask)

    async def modify_push_config(self, request: protos.ModifyPushConfigRequest, _: Call) -> Answer:
        """Answer `ModifyPushConfig`: an empty configuration turns push into pull."""
        name = check_subscription_name(request.subscription)
        changes = protos.Subscription(name=name, push_config=request.push_config)
        await self._admin.update_subscription(changes, FieldMask(paths=["push_config"]))
        return Empty()

    async def list(self, request: protos.ListSubscriptionsRequest, _: Call) -> Answer:
        """Answer `ListSubscriptions`, by name."""
        prefix = check_project(request.project) + "/"
        names = [name for name in self._broker.subscriptions if name.startswith(prefix)]
        page, token = page_of(names, request.page_size, request.page_token)
        return protos.ListSubscriptionsResponse(
            subscriptions=[self._broker.subscriptions[name].resource for name in page],
            next_page_token=token,
        )

    async def delete(self, request: protos.DeleteSubscriptionRequest, _: Call) -> Answer:
        """Answer `DeleteSubscription`."""
        await self._admin.delete_subscription(check_subscription_name(request.subscription))
        return Empty()

    async def pull(self, request: protos.PullRequest, call: Call) -> Answer:
        """Answer `Pull` with at most 1,000 messages, empty before the caller's deadline.

        Differs from the service: never waits longer than 5 s.
        """
        name = check_subscription_name(request.subscription)
        if request.max_messages < 1:
            raise InvalidArgument(f"max_messages {request.max_messages} is less than 1")
        wait = 0.0 if request.return_immediately else _patience(call)
        limit = min(request.max_messages, MAX_PULL)
        return pull_response(await self._broker.subscription(name).pull(limit, wait))

    async def acknowledge(self, request: protos.AcknowledgeRequest, _: Call) -> Answer:
        """Answer `Acknowledge`."""
        name = check_subscription_name(request.subscription)
        ack_ids = _parsed(request.ack_ids, request.ByteSize())
        self._broker.subscription(name).ack(ack_ids)
        return Empty()

    async def modify_ack_deadline(
        self, request: protos.ModifyAckDeadlineRequest, _: Call
    ) -> Answer:
        """Answer `ModifyAckDeadline`; 0 is a nack."""
        name = check_subscription_name(request.subscription)
        ack_ids = _parsed(request.ack_ids, request.ByteSize())
        seconds = request.ack_deadline_seconds
        if not 0 <= seconds <= 600:
            raise InvalidArgument(f"ack_deadline_seconds {seconds} is not 0 to 600")
        self._broker.subscription(name).modify(ack_ids, seconds)
        return Empty()


def _parsed(ack_ids: Sequence[str], request_bytes: int) -> list[AckId]:
    if not ack_ids:
        raise InvalidArgument("ack_ids is empty")
    if request_bytes > MAX_ACK_REQUEST_BYTES:
        raise InvalidArgument(
            f"the request has {request_bytes} bytes, the limit is {MAX_ACK_REQUEST_BYTES}"
        )
    return [AckId.parse(ack_id) for ack_id in ack_ids]


def _patience(call: Call) -> float:
    """Return how long a pull may wait, so that its answer arrives before the caller's deadline."""
    left = call.time_remaining()
    return LONGEST_PULL if left is None else max(0.0, min(LONGEST_PULL, left * 0.9 - 0.05))
