"""Writes a batch by as few statements as there may be. No rule of Pub/Sub stands here."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from emulators.pubsub.rows import Batch, Row, StoredMessage, position_of

INSERT_MESSAGES = (
    "INSERT INTO messages (position, published_ns, ordering_key, checksum, body) VALUES"
)
INSERT_ACKS = "INSERT OR IGNORE INTO acks (subscription, seq) VALUES"
INSERT_FAILURES = "INSERT OR REPLACE INTO failures (subscription, seq, count) VALUES"
DELETE_MESSAGES = "DELETE FROM messages WHERE position BETWEEN ? AND ?"


def write(db: sqlite3.Connection, batch: Batch) -> None:
    """Write all of `batch`, in a transaction that the caller has begun."""
    for statement, row in batch.statements:
        db.execute(statement, row)
    _insert(db, INSERT_MESSAGES, [_message_row(message) for message in batch.messages])
    _insert(db, INSERT_ACKS, batch.acks)
    _insert(db, INSERT_FAILURES, batch.failures)
    for topic, head in batch.heads.items():
        db.execute("UPDATE topics SET head = ? WHERE id = ?", (head, topic))
    for subscription, floor in batch.floors.items():
        _raise_floor(db, subscription, floor)
    for topic, seq in batch.compacted.items():
        db.execute(DELETE_MESSAGES, (position_of(topic, 0), position_of(topic, seq)))


def _message_row(message: StoredMessage) -> Row:
    position, published_ns, ordering_key, body = message
    return position, published_ns, ordering_key, message.checksum(), body


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
