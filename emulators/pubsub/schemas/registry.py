"""All schemas and their revisions, as they are kept. It parses no definition."""

import secrets
from collections.abc import Callable, Iterator

from emulators.pubsub.documents import Documents
from emulators.pubsub.errors import InvalidArgument, NotFound, ResourceExhausted
from emulators.pubsub.names import split
from emulators.pubsub.protos import Schema

MAX_REVISIONS = 20
MAX_SCHEMAS = 10_000


class Registry:
    """Revisions by schema, oldest first. A change is durable with the journal's next commit.

    Of a deleted revision its id and time stay, because a topic may name it as the first or the
    last that it accepts: then it still says where the range ends.
    """

    def __init__(
        self,
        documents: Documents,
        wall_ns: Callable[[], int],
        *,
        max_schemas: int = MAX_SCHEMAS,
    ) -> None:
        self._max_schemas = max_schemas
        self._documents = documents
        self._wall_ns = wall_ns
        self._revisions: dict[str, list[Schema]] = {}
        for name in documents:
            revision = Schema.FromString(documents.get(name) or b"")
            self._revisions.setdefault(revision.name, []).append(revision)
        for revisions in self._revisions.values():
            revisions.sort(key=_created_ns)

    def __iter__(self) -> Iterator[str]:
        """Yield the names of all schemas."""
        return iter(self._revisions)

    def __contains__(self, name: str) -> bool:
        return name in self._revisions

    def names(self, project: str) -> list[str]:
        """Return the schemas of `projects/{project}`."""
        return [name for name in self._revisions if name.startswith(f"{project}/")]

    def revisions(self, name: str) -> list[Schema]:
        """Return the revisions of a schema, oldest first. Raises: NotFound."""
        return [revision for revision in self._all(name) if _is_alive(revision)]

    def get(self, name: str, revision_id: str = "") -> Schema:
        """Return a revision, the newest unless one is asked for. Raises: NotFound."""
        revisions = self.revisions(name)
        if not revision_id:
            return revisions[-1]
        for revision in revisions:
            if revision.revision_id == revision_id:
                return revision
        raise NotFound(f"schema {name!r} has no revision {revision_id!r}")

    def between(self, name: str, first: str, last: str) -> list[Schema]:
        """Return the revisions from `first` to `last`, newest first; "" leaves an end open.

        Raises: NotFound for ids that the schema never had, InvalidArgument if `last` is older.
        """
        known = [revision.revision_id for revision in self._all(name)]
        for revision_id in (first, last):
            if revision_id and revision_id not in known:
                raise NotFound(f"schema {name!r} has no revision {revision_id!r}")
        start = known.index(first) if first else 0
        end = known.index(last) if last else len(known) - 1
        if start > end:
            raise InvalidArgument(f"last_revision_id {last!r} is older than {first!r}")
        return [one for one in reversed(self._all(name)[start : end + 1]) if _is_alive(one)]

    def check_room(self, name: str) -> None:
        """Raise ResourceExhausted if there are too many revisions, or schemas, for one more."""
        project = f"projects/{split(name)[0]}"
        if name not in self and len(self.names(project)) >= self._max_schemas:
            raise ResourceExhausted(f"{project} has {self._max_schemas} schemas: delete some first")
        if name in self and len(self.revisions(name)) >= MAX_REVISIONS:
            raise ResourceExhausted(
                f"schema {name!r} has {MAX_REVISIONS} revisions: delete one first"
            )

    def add(self, name: str, content: Schema) -> Schema:
        """Keep type and definition of `content` as the newest revision of `name`; return it.

        Raises: as `check_room`.
        """
        self.check_room(name)
        revision = Schema.FromString(content.SerializeToString())
        revision.name = name
        known = self._revisions.setdefault(name, [])
        revision.revision_id = next(_new_ids({one.revision_id for one in known}))
        created_ns = max([self._wall_ns(), *(_created_ns(one) + 1 for one in known)])
        revision.revision_create_time.FromNanoseconds(created_ns)
        known.append(revision)
        self._keep(revision)
        return revision

    def delete_revision(self, name: str, revision_id: str) -> Schema:
        """Forget a revision; return it. Raises: NotFound, InvalidArgument for the last one."""
        revision = self.get(name, revision_id)
        if len(self.revisions(name)) == 1:
            raise InvalidArgument(
                f"{revision_id!r} is the last revision of {name!r}: delete the schema instead"
            )
        buried = Schema(
            name=name,
            revision_id=revision_id,
            revision_create_time=revision.revision_create_time,
        )
        known = self._revisions[name]
        known[known.index(revision)] = buried
        self._keep(buried)
        return revision

    def delete(self, name: str) -> None:
        """Forget a schema with all its revisions. Raises: NotFound."""
        for revision in self._all(name):
            self._documents.delete(_document(revision))
        del self._revisions[name]

    def _all(self, name: str) -> list[Schema]:
        if name not in self._revisions:
            raise NotFound(f"schema {name!r} does not exist")
        return self._revisions[name]

    def _keep(self, revision: Schema) -> None:
        self._documents.put(_document(revision), revision.SerializeToString())


def _document(revision: Schema) -> str:
    return f"{revision.name}@{revision.revision_id}"


def _created_ns(revision: Schema) -> int:
    return revision.revision_create_time.ToNanoseconds()


def _is_alive(revision: Schema) -> bool:
    return revision.type_ != 0


def _new_ids(taken: set[str]) -> Iterator[str]:
    """Yield ids of 8 hex characters that are not taken."""
    while True:
        revision_id = secrets.token_hex(4)
        if revision_id not in taken:
            yield revision_id
