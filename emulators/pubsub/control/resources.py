"""Lists, gets, creates and deletes resources of any kind by the emulator's own RPCs."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from emulators.pubsub.errors import NotFound
from emulators.pubsub.rpc import Rpcs

API = "google.pubsub.v1"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource: its key in seeds and dumps, and how the RPCs on it are called."""

    key: str  # also the field of List's answer
    service: str
    noun: str
    named_by: str  # the field with its name in the requests of Get and Delete
    listed_by: str = "project"  # the field with the project in the request of List


SCHEMAS = Kind("schemas", "SchemaService", "Schema", "name", listed_by="parent")
TOPICS = Kind("topics", "Publisher", "Topic", "topic")
SUBSCRIPTIONS = Kind("subscriptions", "Subscriber", "Subscription", "subscription")
SNAPSHOTS = Kind("snapshots", "Subscriber", "Snapshot", "snapshot")
FULL = 2  # SchemaView


class NoDeadline:
    """The call of somebody who waits as long as it takes."""

    def time_remaining(self) -> float | None:
        return None

    def invocation_metadata(self) -> None:
        return None


class Resources:
    """All resources, as a caller without deadline sees them. Every method raises PubSubError.

    What is returned, and what is created, may be the emulator's own object: never change it.
    """

    def __init__(self, rpcs: Rpcs) -> None:
        self._rpcs = rpcs

    def new(self, kind: Kind) -> Message:
        """Return an empty resource."""
        rpc = self._rpcs.unary[_method(kind, "Get", kind.noun)]
        return rpc.response_type()

    async def of_project(self, kind: Kind, project: str) -> list[Any]:
        """Return the resources of `projects/{project}`, by name."""
        method = _method(kind, "List", f"{kind.noun}s")
        return await self.pages(method, kind.key, **{kind.listed_by: project}, **_view(kind))

    async def pages(self, method: str, field: str, **fields: object) -> list[Any]:
        """Return what stands in `field` of all pages that an RPC answers."""
        found: list[Any] = []
        token = ""
        while True:
            page = await self.call(method, page_token=token, **fields)
            found += getattr(page, field)
            token = page.next_page_token
            if not token:
                return found

    async def get(self, kind: Kind, name: str) -> Any:
        """Return one resource."""
        method = _method(kind, "Get", kind.noun)
        return await self.call(method, **{kind.named_by: name}, **_view(kind))

    async def create(self, kind: Kind, resource: Any) -> Any:
        """Create a topic, a subscription or a schema; return it."""
        method = _method(kind, "Create", kind.noun)
        if kind is SCHEMAS:
            project, _, schema_id = resource.name.partition("/schemas/")
            request = {"parent": project, "schema": resource, "schema_id": schema_id}
            return await self.call(method, **request)
        return await self._answer(method, resource)

    async def delete(self, kind: Kind, name: str) -> None:
        """Delete one resource, unless it has gone by itself meanwhile."""
        with suppress(NotFound):
            await self.call(_method(kind, "Delete", kind.noun), **{kind.named_by: name})

    async def call(self, method: str, **fields: object) -> Any:
        """Return what the RPC of this full name answers to a request with `fields`."""
        return await self._answer(method, self._rpcs.unary[method].request_type(**fields))

    async def _answer(self, method: str, request: Message) -> Message:
        answer = await self._rpcs.answer(method, request, NoDeadline())
        if isinstance(answer, bytes):
            return self._rpcs.unary[method].response_type.FromString(answer)
        return answer


def _method(kind: Kind, verb: str, noun: str) -> str:
    return f"{API}.{kind.service}/{verb}{noun}"


def _view(kind: Kind) -> dict[str, int]:
    return {"view": FULL} if kind is SCHEMAS else {}
