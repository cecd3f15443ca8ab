"""What the store keeps, as rows, and the batch that one transaction writes. No SQL, no rules."""

import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

SEQ_BITS = 40  # position = topic id above, sequence number in the topic below

Row = tuple[int | str | bytes | None, ...]


class StoredMessage(NamedTuple):
    """A row of the log: the serialised PubsubMessage and what is asked of it often."""

    position: int
    published_ns: int
    ordering_key: str
    body: bytes

    def checksum(self) -> int:
        """Return what a copy of this message that is not damaged has as well."""
        head = f"{self.position} {self.published_ns} {self.ordering_key}"
        return zlib.crc32(self.body, zlib.crc32(head.encode()))


class StoredSubscription(NamedTuple):
    """A subscription as it stood at the last commit."""

    id: int
    topic: int
    resource: bytes
    floor: int
    retained_from: int


class StoredSnapshot(NamedTuple):
    """A snapshot: all up to `floor` is acked, and `acked` beyond it (see `snapshots.py`)."""

    name: str
    topic: int
    resource: bytes
    floor: int
    acked: bytes


@dataclass(slots=True)
class Batch:
    """What one transaction writes, `statements` first. Later entries for the same key win."""

    statements: list[tuple[str, Row]] = field(default_factory=list)
    messages: list[StoredMessage] = field(default_factory=list)
    heads: dict[int, int] = field(default_factory=dict)
    acks: list[tuple[int, int]] = field(default_factory=list)
    failures: list[tuple[int, int, int]] = field(default_factory=list)
    floors: dict[int, int] = field(default_factory=dict)
    compacted: dict[int, int] = field(default_factory=dict)  # topic -> nobody wants up to here


def position_of(topic: int, seq: int) -> int:
    """Return the log position of the `seq`-th message of a topic."""
    return topic << SEQ_BITS | seq


def seq_of(position: int) -> int:
    """Return the sequence number within its topic."""
    return position & ((1 << SEQ_BITS) - 1)
