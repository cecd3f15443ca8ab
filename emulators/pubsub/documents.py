"""Resources that are only kept: schema revisions, IAM policies. Bytes by name, memory and disk."""

from collections.abc import Iterator

from emulators.pubsub.journal import Journal
from emulators.pubsub.store import Store


class Documents:
    """The serialised resources of one kind, by name. A change is durable with the next commit."""

    def __init__(self, kind: str, store: Store, journal: Journal) -> None:
        self._kind = kind
        self._journal = journal
        self._values = store.documents(kind)

    def __iter__(self) -> Iterator[str]:
        """Yield the names in order."""
        return iter(sorted(self._values))

    def get(self, name: str) -> bytes | None:
        """Return a resource, None if there is none of that name."""
        return self._values.get(name)

    def put(self, name: str, value: bytes) -> None:
        """Keep a resource, in place of the one of that name."""
        self._values[name] = value
        self._write("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", self._kind, name, value)

    def delete(self, name: str) -> None:
        """Forget a resource."""
        del self._values[name]
        self._write("DELETE FROM documents WHERE kind = ? AND name = ?", self._kind, name)

    def _write(self, statement: str, *row: str | bytes) -> None:
        self._journal.batch.statements.append((statement, row))
