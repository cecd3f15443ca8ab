"""The emulator's SQLite file: what is written and what is read. It knows no rule of Pub/Sub.

A message stands once, in its topic's log; a subscription is a floor (all up to it is acked), the
acks beyond, and the counts of failed deliveries. So a publish reaches all subscriptions by one row.
"""

import sqlite3
from collections.abc import Iterator

from emulators.pubsub.batch_writer import DELETE_MESSAGES, write
from emulators.pubsub.errors import StoreError
from emulators.pubsub.logs import log
from emulators.pubsub.rows import (
    Batch,
    StoredMessage,
    StoredSnapshot,
    StoredSubscription,
    position_of,
    seq_of,
)
from emulators.pubsub.store_format import connect, create_or_check

__all__ = [
    "DELETE_MESSAGES",
    "Batch",
    "Store",
    "StoredMessage",
    "StoredSnapshot",
    "StoredSubscription",
    "position_of",
    "seq_of",
]

MESSAGES = "SELECT position, published_ns, ordering_key, body, checksum FROM messages"


class Store:
    """One connection that writes and one that reads; with ":memory:" the two are the same."""

    def __init__(self, path: str, *, synchronous: str) -> None:
        self._path = path
        self._damaged: set[int] = set()  # positions that the log has told of
        try:
            self._writer = connect(path, synchronous)
            create_or_check(self._writer, path)
            self._reader = self._writer if path == ":memory:" else connect(path, synchronous)
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{path} cannot be used ({error}): delete it to start empty"
            ) from error

    def apply(self, batch: Batch) -> None:
        """Write all of `batch` or nothing."""
        with self._writer as db:
            db.execute("BEGIN IMMEDIATE")
            write(db, batch)

    def topics(self) -> list[tuple[int, str | None, bytes, int]]:
        """Return id, name (None: deleted), resource and head of every topic."""
        return self._reader.execute("SELECT id, name, resource, head FROM topics").fetchall()

    def subscriptions(self) -> list[StoredSubscription]:
        """Return every subscription."""
        query = "SELECT id, topic, resource, floor, retained_from FROM subscriptions"
        return [StoredSubscription(*row) for row in self._reader.execute(query)]

    def snapshots(self) -> list[StoredSnapshot]:
        """Return every snapshot."""
        query = "SELECT name, topic, resource, floor, acked FROM snapshots"
        return [StoredSnapshot(*row) for row in self._reader.execute(query)]

    def documents(self, kind: str) -> dict[str, bytes]:
        """Return the serialised resources of a kind, by name."""
        query = "SELECT name, value FROM documents WHERE kind = ?"
        return dict(self._reader.execute(query, (kind,)))

    def acks(self, subscription: int) -> list[int]:
        """Return the sequence numbers acked beyond the floor."""
        query = "SELECT seq FROM acks WHERE subscription = ?"
        return [seq for (seq,) in self._reader.execute(query, (subscription,))]

    def failures(self, subscription: int) -> dict[int, int]:
        """Return the failed deliveries counted so far, by sequence number."""
        query = "SELECT seq, count FROM failures WHERE subscription = ?"
        return dict(self._reader.execute(query, (subscription,)))

    def read_from(self, position: int, up_to: int, max_bytes: int) -> list[StoredMessage]:
        """Return messages from `position` to `up_to`, stopping once `max_bytes` are reached.

        Damaged ones are left out, and an error logged that names them.
        """
        query = f"{MESSAGES} WHERE position BETWEEN ? AND ? ORDER BY position"
        found: list[StoredMessage] = []
        for message, checksum in self._readable(query, position, up_to):
            if message.checksum() != checksum:
                self._tell_damage(message.position, "its checksum is wrong")
                continue
            found.append(message)
            max_bytes -= len(message.body)
            if max_bytes <= 0:
                break
        return found

    def first_since(self, position: int, up_to: int, published_ns: int) -> tuple[int, int] | None:
        """Return position and publish time of the first message published then or later.

        Publish times grow with the position, so a few rows are looked at, however many there are.
        """
        query = (
            "SELECT position, published_ns FROM messages"
            " WHERE position BETWEEN ? AND ? ORDER BY position LIMIT 1"
        )
        low, high = position, up_to + 1
        found: tuple[int, int] | None = None
        while low < high:
            middle = (low + high) // 2
            try:
                row = self._reader.execute(query, (middle, up_to)).fetchone()
            except sqlite3.DatabaseError as error:
                self._tell_damage(middle, str(error))
                row = (middle, published_ns)  # nothing is dropped for what cannot be read
            if row is not None and row[1] < published_ns:
                low = row[0] + 1
            else:
                high = middle
                found = row or found
        return found

    def last_published_ns(self, position: int, up_to: int) -> int:
        """Return when the last message there was published, 0 if there is none."""
        query = (
            "SELECT published_ns FROM messages"
            " WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT 1"
        )
        row = self._reader.execute(query, (position, up_to)).fetchone()
        return int(row[0]) if row else 0

    def positions_of_key(self, key: str, position: int, up_to: int, limit: int) -> list[int]:
        """Return where the first `limit` messages of an ordering key are, from `position` on."""
        query = (
            "SELECT position FROM messages WHERE ordering_key = ? AND ordering_key <> ''"
            " AND position BETWEEN ? AND ? ORDER BY position LIMIT ?"
        )
        return [row[0] for row in self._reader.execute(query, (key, position, up_to, limit))]

    def close(self) -> None:
        """Close both connections; SQLite folds its write-ahead log in."""
        self._reader.close()
        self._writer.close()

    def _readable(
        self, query: str, position: int, up_to: int
    ) -> Iterator[tuple[StoredMessage, int]]:
        """Yield messages and checksums until a row cannot be read; told if that is the first."""
        first = True
        try:
            for *message, checksum in self._reader.execute(query, (position, up_to)):
                first = False
                yield StoredMessage(*message), checksum
        except sqlite3.DatabaseError as error:
            if first:
                self._tell_damage(position, str(error))

    def _tell_damage(self, position: int, why: str) -> None:
        if position not in self._damaged:
            self._damaged.add(position)
            fields = {"message_id": str(position), "file": self._path}
            log.error("a stored message is damaged, skipped: %s", why, extra={"fields": fields})
