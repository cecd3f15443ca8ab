"""The Subscriber service's RPCs on subscriptions: each a few lines of translation.

The RPCs on messages are in `pulling.py`.
"""

from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub import protos
from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from emulators.pubsub.limits import DOCUMENTED, Limits
from emulators.pubsub.names import check_project, check_subscription_name, page_of
from emulators.pubsub.rpc import Answer, Call, Rpc

SERVICE = "google.pubsub.v1.Subscriber"


class Subscriber:
    """RPCs on subscriptions. Each answers with a serialised response."""

    def __init__(self, broker: Broker, admin: Admin, *, limits: Limits = DOCUMENTED) -> None:
        self._broker = broker
        self._admin = admin
        self._limits = limits

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
        }

    async def create(self, resource: protos.Subscription, _: Call) -> Answer:
        """Answer `CreateSubscription`.

        Differs from the service: exports are kept, shown as active and not acted on; their
        messages wait to be pulled.
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
        page, token = page_of(names, request.page_size, request.page_token, limits=self._limits)
        return protos.ListSubscriptionsResponse(
            subscriptions=[self._broker.subscriptions[name].resource for name in page],
            next_page_token=token,
        )

    async def delete(self, request: protos.DeleteSubscriptionRequest, _: Call) -> Answer:
        """Answer `DeleteSubscription`."""
        await self._admin.delete_subscription(check_subscription_name(request.subscription))
        return Empty()
