"""The emulator's SQLite file: its format and its statements. It knows no rule of Pub/Sub.

A message stands once, in its topic's log; a subscription is a floor (all up to it is acked), the
acks beyond, and the counts of failed deliveries. So a publish reaches all subscriptions by one row.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from emulators.pubsub.errors import StoreError

FORMAT = 2
APPLICATION_ID = 0x50534255
SEQ_BITS = 40  # position = topic id above, sequence number in the topic below

SCHEMA = """
CREATE TABLE topics (
    id INTEGER PRIMARY KEY,
    name TEXT UNIQUE,            -- NULL: deleted, kept for its subscriptions' backlog
    resource BLOB NOT NULL,      -- google.pubsub.v1.Topic
    head INTEGER NOT NULL        -- the last sequence number given out
);
CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY,
    topic INTEGER NOT NULL,
    resource BLOB NOT NULL,      -- google.pubsub.v1.Subscription
    floor INTEGER NOT NULL       -- every message up to this one is acked
);
CREATE TABLE messages (
    position INTEGER PRIMARY KEY,
    published_ns INTEGER NOT NULL,
    ordering_key TEXT NOT NULL,
    body BLOB NOT NULL           -- google.pubsub.v1.PubsubMessage
);
CREATE TABLE acks (
    subscription INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (subscription, seq)
) WITHOUT ROWID;
CREATE TABLE failures (
    subscription INTEGER NOT NULL, seq INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (subscription, seq)
) WITHOUT ROWID;
CREATE TABLE documents (
    kind TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, name)
) WITHOUT ROWID;
"""

INSERT_MESSAGES = "INSERT INTO messages (position, published_ns, ordering_key, body) VALUES"
INSERT_ACKS = "INSERT OR IGNORE INTO acks (subscription, seq) VALUES"
INSERT_FAILURES = "INSERT OR REPLACE INTO failures (subscription, seq, count) VALUES"
DELETE_MESSAGES = "DELETE FROM messages WHERE position BETWEEN ? AND ?"

Row = tuple[int | str | bytes | None, ...]


class StoredMessage(NamedTuple):
    """A row of the log: the serialised PubsubMessage and what is asked of it often."""

    position: int
    published_ns: int
    ordering_key: str
    body: bytes


class StoredSubscription(NamedTuple):
    """A subscription as it stood at the last commit."""

    id: int
    topic: int
    resource: bytes
    floor: int


@dataclass(slots=True)
class Batch:
    """What one transaction writes. Later entries for the same key win."""

    statements: list[tuple[str, Row]] = field(default_factory=list)
    messages: list[StoredMessage] = field(default_factory=list)
    heads: dict[int, int] = field(default_factory=dict)
    acks: list[tuple[int, int]] = field(default_factory=list)
    failures: list[tuple[int, int, int]] = field(default_factory=list)
    floors: dict[int, int] = field(default_factory=dict)
    compacted: dict[int, int] = field(default_factory=dict)  # topic -> acked by all up to here


def position_of(topic: int, seq: int) -> int:
    """Return the log position of the `seq`-th message of a topic."""
    return topic << SEQ_BITS | seq


def seq_of(position: int) -> int:
    """Return the sequence number within its topic."""
    return position & ((1 << SEQ_BITS) - 1)


class Store:
    """One connection that writes and one that reads; with ":memory:" the two are the same."""

    def __init__(self, path: str, *, synchronous: str) -> None:
        try:
            self._writer = _connect(path, synchronous)
            _create_or_check(self._writer, path)
            self._reader = self._writer if path == ":memory:" else _connect(path, synchronous)
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{path} cannot be used ({error}): delete it to start empty"
            ) from error

    def apply(self, batch: Batch) -> None:
        """Write all of `batch` or nothing."""
        with self._writer as db:
            db.execute("BEGIN IMMEDIATE")
            for statement, row in batch.statements:
                db.execute(statement, row)
            _insert(db, INSERT_MESSAGES, batch.messages)
            _insert(db, INSERT_ACKS, batch.acks)
            _insert(db, INSERT_FAILURES, batch.failures)
            for topic, head in batch.heads.items():
                db.execute("UPDATE topics SET head = ? WHERE id = ?", (head, topic))
            for subscription, floor in batch.floors.items():
                _raise_floor(db, subscription, floor)
            for topic, seq in batch.compacted.items():
                _delete_messages(db, topic, seq)

    def topics(self) -> list[tuple[int, str | None, bytes, int]]:
        """Return id, name (None: deleted), resource and head of every topic."""
        return self._reader.execute("SELECT id, name, resource, head FROM topics").fetchall()

    def subscriptions(self) -> list[StoredSubscription]:
        """Return every subscription."""
        rows = self._reader.execute("SELECT id, topic, resource, floor FROM subscriptions")
        return [StoredSubscription(*row) for row in rows]

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
        """Return messages from `position` to `up_to`, stopping once `max_bytes` are reached."""
        query = "SELECT * FROM messages WHERE position BETWEEN ? AND ? ORDER BY position"
        found: list[StoredMessage] = []
        for row in self._reader.execute(query, (position, up_to)):
            found.append(StoredMessage(*row))
            max_bytes -= len(found[-1].body)
            if max_bytes <= 0:
                break
        return found

    def first_since(self, position: int, up_to: int, published_ns: int) -> tuple[int, int] | None:
        """Return position and publish time of the first message published then or later.

        Publish times grow with the position, so only what is older is read.
        """
        query = (
            "SELECT position, published_ns FROM messages"
            " WHERE position BETWEEN ? AND ? AND published_ns >= ? ORDER BY position LIMIT 1"
        )
        row: tuple[int, int] | None = self._reader.execute(
            query, (position, up_to, published_ns)
        ).fetchone()
        return row

    def close(self) -> None:
        """Close both connections; SQLite folds its write-ahead log in."""
        self._reader.close()
        self._writer.close()


def _connect(path: str, synchronous: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA synchronous = {synchronous}")
    return db


def _create_or_check(db: sqlite3.Connection, path: str) -> None:
    (found,) = db.execute("PRAGMA user_version").fetchone()
    if found == 0:
        db.executescript(
            f"BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {FORMAT}; COMMIT"
        )
    elif found != FORMAT:
        raise StoreError(
            f"{path} has format {found}, this emulator reads format {FORMAT}: "
            "start the version that wrote it, or delete the file to start empty"
        )


def _insert(db: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> None:
    # Many rows a statement: sqlite3 lets go of the interpreter lock at each statement, and getting
    # it back from a busy event loop costs far more than the row.
    for chunk in _chunks(rows):
        values = ",".join((f"({','.join('?' * len(chunk[0]))})",) * len(chunk))
        db.execute(f"{statement} {values}", [value for row in chunk for value in row])


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield runs of 256, 64, 16, 4 and 1 rows, so that few different statements are compiled."""
    waiting = iter(rows)
    while run := list(islice(waiting, 256)):
        for size in (256, 64, 16, 4, 1):
            while len(run) >= size:
                yield run[:size]
                del run[:size]


def _raise_floor(db: sqlite3.Connection, subscription: int, floor: int) -> None:
    db.execute("UPDATE subscriptions SET floor = ? WHERE id = ?", (floor, subscription))
    db.execute("DELETE FROM acks WHERE subscription = ? AND seq <= ?", (subscription, floor))
    db.execute("DELETE FROM failures WHERE subscription = ? AND seq <= ?", (subscription, floor))


def _delete_messages(db: sqlite3.Connection, topic: int, seq: int) -> None:
    db.execute(DELETE_MESSAGES, (position_of(topic, 0), position_of(topic, seq)))
