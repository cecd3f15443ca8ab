"""The messages of all topics by position: a bounded cache of the newest over the log on disk."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from emulators.pubsub.store import Store, StoredMessage

CACHE_BYTES = 4_000_000  # what is read again is read from the file, which costs little
READ_AHEAD_BYTES = 500_000
ROW_BYTES = 250  # what a cached message costs beside its body


class Bodies:
    """Each body is in memory at most once, however many subscriptions deliver it.

    `passed` is told how many bytes went through.
    """

    def __init__(
        self,
        store: Store,
        *,
        max_bytes: int = CACHE_BYTES,
        passed: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._passed = passed
        self._max_bytes = max_bytes
        self._bytes = 0
        self._cached: OrderedDict[int, StoredMessage] = OrderedDict()

    def add(self, messages: Sequence[StoredMessage]) -> None:
        """Remember messages; those remembered longest are forgotten."""
        before = self._bytes
        for message in messages:
            self._cached[message.position] = message
            self._bytes += len(message.body) + ROW_BYTES
        self._passed(self._bytes - before)
        while self._bytes > self._max_bytes and len(self._cached) > 1:
            _, forgotten = self._cached.popitem(last=False)
            self._bytes -= len(forgotten.body) + ROW_BYTES

    def get(self, position: int, head: int) -> StoredMessage | None:
        """Return a committed message, reading on to `head` when it is not cached; None if gone."""
        message = self._cached.get(position)
        if message is None:
            rows = self._store.read_from(position, head, READ_AHEAD_BYTES)
            self.add([row for row in rows if row.position not in self._cached])
            message = rows[0] if rows and rows[0].position == position else None
        return message

    def first_since(self, position: int, head: int, published_ns: int) -> tuple[int, int] | None:
        """Return position and publish time of the first message from `published_ns` on."""
        return self._store.first_since(position, head, published_ns)

    def of_key(self, key: str, position: int, up_to: int, limit: int) -> list[int]:
        """Return where the first `limit` committed messages of an ordering key are."""
        return self._store.positions_of_key(key, position, up_to, limit)

    def forget(self, position: int) -> None:
        """Drop a message that every subscription has acked."""
        message = self._cached.pop(position, None)
        if message:
            self._bytes -= len(message.body) + ROW_BYTES
