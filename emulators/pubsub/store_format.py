"""The format of the emulator's SQLite file, and the settings of a connection to it."""

import sqlite3

from emulators.pubsub.errors import StoreError

FORMAT = 2
APPLICATION_ID = 0x50534255

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
    floor INTEGER NOT NULL,      -- every message up to this one is acked
    retained_from INTEGER NOT NULL  -- where retain_acked_messages is on: of what is later
);
CREATE TABLE messages (
    position INTEGER PRIMARY KEY,
    published_ns INTEGER NOT NULL,
    ordering_key TEXT NOT NULL,
    checksum INTEGER NOT NULL,   -- of the other columns
    body BLOB NOT NULL           -- google.pubsub.v1.PubsubMessage
);
CREATE INDEX ordered_messages ON messages (ordering_key, position) WHERE ordering_key <> '';
CREATE TABLE acks (
    subscription INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (subscription, seq)
) WITHOUT ROWID;
CREATE TABLE failures (
    subscription INTEGER NOT NULL, seq INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (subscription, seq)
) WITHOUT ROWID;
CREATE TABLE snapshots (
    name TEXT PRIMARY KEY,
    topic INTEGER NOT NULL,
    resource BLOB NOT NULL,      -- google.pubsub.v1.Snapshot
    floor INTEGER NOT NULL,
    acked BLOB NOT NULL
);
CREATE TABLE documents (
    kind TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, name)
) WITHOUT ROWID;
"""


def connect(path: str, synchronous: str) -> sqlite3.Connection:
    """Return a connection whose transactions are begun by hand."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA synchronous = {synchronous}")
    return db


def create_or_check(db: sqlite3.Connection, path: str) -> None:
    """Make the tables of an empty file. Raises: StoreError for another format."""
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
