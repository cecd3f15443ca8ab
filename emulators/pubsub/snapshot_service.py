"""Snapshots, seek and detach: each RPC a few lines of translation to the broker's words."""

from typing import Any

from google.protobuf.empty_pb2 import Empty

from emulators.pubsub import protos
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.names import (
    check_project,
    check_snapshot_name,
    check_subscription_name,
    check_topic_name,
    page_of,
)
from emulators.pubsub.rpc import Answer, Call, Rpc

PUBLISHER = "google.pubsub.v1.Publisher"
SUBSCRIBER = "google.pubsub.v1.Subscriber"


class SnapshotService:
    """The RPCs of Publisher and Subscriber on snapshots, and those that change what is acked."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._snapshots = broker.snapshots

    def methods(self) -> dict[str, Rpc[Any]]:
        """Return the methods by service and name."""
        return {
            f"{SUBSCRIBER}/CreateSnapshot": Rpc(
                protos.CreateSnapshotRequest, protos.Snapshot, self.create
            ),
            f"{SUBSCRIBER}/GetSnapshot": Rpc(protos.GetSnapshotRequest, protos.Snapshot, self.get),
            f"{SUBSCRIBER}/ListSnapshots": Rpc(
                protos.ListSnapshotsRequest, protos.ListSnapshotsResponse, self.list
            ),
            f"{SUBSCRIBER}/UpdateSnapshot": Rpc(
                protos.UpdateSnapshotRequest, protos.Snapshot, self.update
            ),
            f"{SUBSCRIBER}/DeleteSnapshot": Rpc(protos.DeleteSnapshotRequest, Empty, self.delete),
            f"{SUBSCRIBER}/Seek": Rpc(protos.SeekRequest, protos.SeekResponse, self.seek),
            f"{PUBLISHER}/ListTopicSnapshots": Rpc(
                protos.ListTopicSnapshotsRequest,
                protos.ListTopicSnapshotsResponse,
                self.list_of_topic,
            ),
            f"{PUBLISHER}/DetachSubscription": Rpc(
                protos.DetachSubscriptionRequest, protos.DetachSubscriptionResponse, self.detach
            ),
        }

    async def create(self, request: protos.CreateSnapshotRequest, _: Call) -> Answer:
        """Answer `CreateSnapshot`; without a name the snapshot gets a random one."""
        name = check_snapshot_name(request.name) if request.name else ""
        subscription = self._broker.subscription(check_subscription_name(request.subscription))
        resource = self._snapshots.create(name, subscription, dict(request.labels))
        await self._broker.journal.commit()
        return resource

    async def get(self, request: protos.GetSnapshotRequest, _: Call) -> Answer:
        """Answer `GetSnapshot`."""
        return self._snapshots.get(check_snapshot_name(request.snapshot)).resource

    async def list(self, request: protos.ListSnapshotsRequest, _: Call) -> Answer:
        """Answer `ListSnapshots`, by name."""
        prefix = check_project(request.project) + "/"
        names = [name for name in self._snapshots.names() if name.startswith(prefix)]
        page, token = page_of(names, request.page_size, request.page_token)
        return protos.ListSnapshotsResponse(
            snapshots=[self._snapshots.get(name).resource for name in page], next_page_token=token
        )

    async def list_of_topic(self, request: protos.ListTopicSnapshotsRequest, _: Call) -> Answer:
        """Answer `ListTopicSnapshots`, by name."""
        topic = self._broker.topic(check_topic_name(request.topic))
        page, token = page_of(topic.snapshots, request.page_size, request.page_token)
        return protos.ListTopicSnapshotsResponse(snapshots=page, next_page_token=token)

    async def update(self, request: protos.UpdateSnapshotRequest, _: Call) -> Answer:
        """Answer `UpdateSnapshot`: labels, and the expire time within the next 7 days."""
        check_snapshot_name(request.snapshot.name)
        resource = self._snapshots.update(request.snapshot, request.update_mask)
        await self._broker.journal.commit()
        return resource

    async def delete(self, request: protos.DeleteSnapshotRequest, _: Call) -> Answer:
        """Answer `DeleteSnapshot`."""
        self._snapshots.delete(check_snapshot_name(request.snapshot))
        await self._broker.journal.commit()
        return Empty()

    async def seek(self, request: protos.SeekRequest, _: Call) -> Answer:
        """Answer `Seek`, to a time or to a snapshot; every lease ends.

        Differs from the service: it has effect at once, where the service takes a moment.
        """
        subscription = self._broker.subscription(check_subscription_name(request.subscription))
        if request.HasField("time"):
            self._broker.replay.to_time(subscription, _nanoseconds(request))
        elif request.snapshot:
            self._broker.replay.to_snapshot(subscription, check_snapshot_name(request.snapshot))
        else:
            raise InvalidArgument("a seek needs a time or a snapshot")
        await self._broker.journal.commit()
        return protos.SeekResponse()

    async def detach(self, request: protos.DetachSubscriptionRequest, _: Call) -> Answer:
        """Answer `DetachSubscription`: its backlog is dropped and nothing more comes."""
        name = check_subscription_name(request.subscription)
        self._broker.detach(self._broker.subscription(name))
        await self._broker.journal.commit()
        return protos.DetachSubscriptionResponse()


def _nanoseconds(request: protos.SeekRequest) -> int:
    """Return the time to seek to. Raises: InvalidArgument outside the years 1 to 9999."""
    try:
        request.time.ToJsonString()
        return request.time.ToNanoseconds()
    except ValueError as error:
        raise InvalidArgument(f"time is not a valid timestamp: {error}") from error
