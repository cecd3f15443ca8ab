"""Snapshots: which messages a subscription had not acked, kept until they expire."""

import array
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub import protos
from emulators.pubsub.alarm import Alarm
from emulators.pubsub.clock import Clock
from emulators.pubsub.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from emulators.pubsub.journal import Journal
from emulators.pubsub.logs import log
from emulators.pubsub.store import Store
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.topic import LiveTopic

DAY_NS = 86_400 * 10**9
LONGEST_NS = 7 * DAY_NS
SHORTEST_NS = 3600 * 10**9
MUTABLE = {"labels", "expire_time"}


@dataclass(slots=True)
class LiveSnapshot:
    """A snapshot: all up to `floor` was acked, and `packed_acks` beyond it."""

    resource: protos.Snapshot
    topic: LiveTopic
    floor: int
    packed_acks: bytes

    def acked(self) -> list[int]:
        """Return what was acked beyond the floor."""
        return list(array.array("Q", zlib.decompress(self.packed_acks)))


class Snapshots:
    """All snapshots by name. A change is durable with the next commit."""

    def __init__(
        self, store: Store, journal: Journal, clock: Clock, *, gone: Callable[[LiveSnapshot], None]
    ) -> None:
        self._by_name: dict[str, LiveSnapshot] = {}
        self._store = store
        self._journal = journal
        self._clock = clock
        self._gone = gone
        self._alarm = Alarm(clock, self._expire)

    def load(self, topics: dict[int, LiveTopic]) -> None:
        """Load what the store holds; `topics` by id."""
        for row in self._store.snapshots():
            resource = protos.Snapshot.FromString(row.resource)
            self._add(LiveSnapshot(resource, topics[row.topic], row.floor, row.acked))

    def names(self) -> list[str]:
        """Return the names of all."""
        return list(self._by_name)

    def get(self, name: str) -> LiveSnapshot:
        """Return a snapshot. Raises: NotFound."""
        if name not in self._by_name:
            raise NotFound(f"snapshot {name!r} does not exist")
        return self._by_name[name]

    def create(
        self, name: str, subscription: Subscription, labels: dict[str, str]
    ) -> protos.Snapshot:
        """Create a snapshot of what `subscription` has not acked; without a name it gets one.

        Raises: AlreadyExists; FailedPrecondition if it would live for less than an hour, because
        the oldest unacked message is so old.
        """
        name = name or _new_name(subscription.resource.name)
        if name in self._by_name:
            raise AlreadyExists(f"snapshot {name!r} exists")
        now = self._clock.wall_ns()
        expires_ns = (subscription.oldest_unacked_ns() or now) + LONGEST_NS
        if expires_ns - now < SHORTEST_NS:
            raise FailedPrecondition(
                f"the oldest unacked message of {subscription.resource.name!r} is so old that a "
                "snapshot would expire in less than an hour: ack or seek past it first"
            )
        resource = protos.Snapshot(name=name, topic=subscription.resource.topic, labels=labels)
        resource.expire_time.FromNanoseconds(expires_ns)
        floor, acked = subscription.position()
        packed = zlib.compress(array.array("Q", acked).tobytes())
        snapshot = LiveSnapshot(resource, subscription.topic, floor, packed)
        self._add(snapshot)
        self._save(snapshot)
        return resource

    def update(self, changes: protos.Snapshot, mask: FieldMask) -> protos.Snapshot:
        """Change the masked fields: labels, expire_time. Raises: NotFound, InvalidArgument."""
        snapshot = self.get(changes.name)
        if not mask.paths:
            raise InvalidArgument("update_mask is empty")
        for path in mask.paths:
            if path not in MUTABLE:
                raise InvalidArgument(
                    f"update_mask path {path!r} is not one of {', '.join(sorted(MUTABLE))}"
                )
        if "expire_time" in mask.paths:
            self._check_expire_time(changes)
        resource = snapshot.resource
        mask.MergeMessage(
            changes, resource, replace_message_field=True, replace_repeated_field=True
        )
        self._save(snapshot)
        self._alarm.set(resource.expire_time.ToNanoseconds())
        return resource

    def delete(self, name: str) -> None:
        """Delete a snapshot; what only it has kept is kept no longer. Raises: NotFound."""
        snapshot = self.get(name)
        del self._by_name[name]
        del snapshot.topic.snapshots[name]
        self._journal.batch.statements.append(("DELETE FROM snapshots WHERE name = ?", (name,)))
        self._gone(snapshot)

    def end(self) -> None:
        """Expire none from now on."""
        self._alarm.cancel()

    def rename_topic(self, topic: LiveTopic, name: str) -> None:
        """Let all snapshots of a topic show another name for it."""
        for snapshot in topic.snapshots.values():
            snapshot.resource.topic = name
            self._save(snapshot)

    def _add(self, snapshot: LiveSnapshot) -> None:
        name = snapshot.resource.name
        self._by_name[name] = snapshot.topic.snapshots[name] = snapshot
        self._alarm.set(snapshot.resource.expire_time.ToNanoseconds())

    def _check_expire_time(self, changes: protos.Snapshot) -> None:
        left = changes.expire_time.ToNanoseconds() - self._clock.wall_ns()
        if not 0 < left <= LONGEST_NS:
            raise InvalidArgument(
                f"expire_time {changes.expire_time.ToJsonString()} is not within the next 7 days"
            )

    def _save(self, snapshot: LiveSnapshot) -> None:
        row = (
            snapshot.resource.name,
            snapshot.topic.id,
            snapshot.resource.SerializeToString(),
            snapshot.floor,
            snapshot.packed_acks,
        )
        statement = "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?)"
        self._journal.batch.statements.append((statement, row))

    def _expire(self) -> None:
        now = self._clock.wall_ns()
        expiries = {
            name: snapshot.resource.expire_time.ToNanoseconds()
            for name, snapshot in self._by_name.items()
        }
        for name, expires_ns in expiries.items():
            if expires_ns <= now:
                self.delete(name)
                log.info("snapshot expired", extra={"fields": {"snapshot": name}})
            else:
                self._alarm.set(expires_ns)
        self._journal.commit_lazily()


def _new_name(subscription: str) -> str:
    project = subscription.split("/")[1]
    return f"projects/{project}/snapshots/snapshot-{secrets.token_hex(10)}"
