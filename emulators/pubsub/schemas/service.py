"""The SchemaService: each RPC a few lines of translation to the registry's words."""

import asyncio
from collections.abc import Callable
from typing import Any

from google.protobuf.empty_pb2 import Empty

from emulators.pubsub import protos
from emulators.pubsub.errors import AlreadyExists, InvalidArgument
from emulators.pubsub.journal import Journal
from emulators.pubsub.limits import DOCUMENTED, Limits
from emulators.pubsub.names import check_project, check_schema_name, page_of
from emulators.pubsub.rpc import Answer, Call, Rpc
from emulators.pubsub.schemas.conformity import ENCODINGS, Incompatible, Mismatch
from emulators.pubsub.schemas.definitions import Definitions
from emulators.pubsub.schemas.registry import Registry

SERVICE = "google.pubsub.v1.SchemaService"
BASIC, FULL = 1, 2  # SchemaView


class SchemaService:
    """RPCs on schemas. `deleted` is told the name of each schema that is deleted."""

    def __init__(
        self,
        registry: Registry,
        definitions: Definitions,
        journal: Journal,
        deleted: Callable[[str], None],
        *,
        limits: Limits = DOCUMENTED,
    ) -> None:
        self._limits = limits
        self._registry = registry
        self._definitions = definitions
        self._journal = journal
        self._deleted = deleted
        self._changing = asyncio.Lock()  # a revision is compared with all that are there

    def methods(self) -> dict[str, Rpc[Any]]:
        """Return the methods by service and name."""
        rpcs: dict[str, Rpc[Any]] = {
            "CreateSchema": Rpc(protos.CreateSchemaRequest, protos.Schema, self.create),
            "GetSchema": Rpc(protos.GetSchemaRequest, protos.Schema, self.get),
            "ListSchemas": Rpc(protos.ListSchemasRequest, protos.ListSchemasResponse, self.list),
            "ListSchemaRevisions": Rpc(
                protos.ListSchemaRevisionsRequest,
                protos.ListSchemaRevisionsResponse,
                self.list_revisions,
            ),
            "CommitSchema": Rpc(protos.CommitSchemaRequest, protos.Schema, self.commit),
            "RollbackSchema": Rpc(protos.RollbackSchemaRequest, protos.Schema, self.rollback),
            "DeleteSchemaRevision": Rpc(
                protos.DeleteSchemaRevisionRequest, protos.Schema, self.delete_revision
            ),
            "DeleteSchema": Rpc(protos.DeleteSchemaRequest, Empty, self.delete),
            "ValidateSchema": Rpc(
                protos.ValidateSchemaRequest, protos.ValidateSchemaResponse, self.validate
            ),
            "ValidateMessage": Rpc(
                protos.ValidateMessageRequest,
                protos.ValidateMessageResponse,
                self.validate_message,
            ),
        }
        return {f"{SERVICE}/{name}": rpc for name, rpc in rpcs.items()}

    async def create(self, request: protos.CreateSchemaRequest, _: Call) -> Answer:
        """Answer `CreateSchema`; the name in the schema is ignored."""
        parent = check_project(request.parent)
        name = check_schema_name(f"{parent}/schemas/{request.schema_id}")
        self._check_free(name)
        await self._definitions.of(request.schema)
        async with self._changing:
            self._check_free(name)
            return await self._added(name, request.schema)

    async def get(self, request: protos.GetSchemaRequest, _: Call) -> Answer:
        """Answer `GetSchema` for the newest revision, or the one after an @ in the name."""
        name, revision_id = split_revision(request.name)
        return _viewed(self._registry.get(name, revision_id), request.view or FULL)

    async def list(self, request: protos.ListSchemasRequest, _: Call) -> Answer:
        """Answer `ListSchemas`, by name, each in its newest revision."""
        names = self._registry.names(check_project(request.parent))
        page, token = page_of(names, request.page_size, request.page_token, limits=self._limits)
        found = [_viewed(self._registry.get(name), request.view or BASIC) for name in page]
        return protos.ListSchemasResponse(schemas=found, next_page_token=token)

    async def list_revisions(self, request: protos.ListSchemaRevisionsRequest, _: Call) -> Answer:
        """Answer `ListSchemaRevisions`, oldest first, as Google's emulator does."""
        name, _revision = split_revision(request.name)
        by_age = {_age(revision): revision for revision in self._registry.revisions(name)}
        page, token = page_of(by_age, request.page_size, request.page_token, limits=self._limits)
        found = [_viewed(by_age[key], request.view or BASIC) for key in page]
        return protos.ListSchemaRevisionsResponse(schemas=found, next_page_token=token)

    async def commit(self, request: protos.CommitSchemaRequest, _: Call) -> Answer:
        """Answer `CommitSchema`: the new revision must be compatible with all that are there."""
        name = check_schema_name(request.name)
        new = request.schema
        self._registry.get(name)
        await self._definitions.of(new)
        async with self._changing:
            self._registry.check_room(name)
            for earlier in self._registry.revisions(name):
                await self._check_follows(new, earlier)
            return await self._added(name, new)

    async def rollback(self, request: protos.RollbackSchemaRequest, _: Call) -> Answer:
        """Answer `RollbackSchema`: an old revision is copied into a new one."""
        name = check_schema_name(request.name)
        if not request.revision_id:
            raise InvalidArgument("revision_id is empty: name the revision to roll back to")
        async with self._changing:
            return await self._added(name, self._registry.get(name, request.revision_id))

    async def delete_revision(self, request: protos.DeleteSchemaRevisionRequest, _: Call) -> Answer:
        """Answer `DeleteSchemaRevision` with the revision that is gone."""
        name, revision_id = split_revision(request.name)
        revision_id = revision_id or request.revision_id
        if not revision_id:
            raise InvalidArgument(f"name {request.name!r} has no @ with the id of a revision")
        async with self._changing:
            revision = self._registry.delete_revision(name, revision_id)
            await self._journal.commit()
        return revision

    async def delete(self, request: protos.DeleteSchemaRequest, _: Call) -> Answer:
        """Answer `DeleteSchema`: topics that use it refuse to publish from now on."""
        name = check_schema_name(request.name)
        async with self._changing:
            self._registry.delete(name)
            self._deleted(name)
            await self._journal.commit()
        return Empty()

    async def validate(self, request: protos.ValidateSchemaRequest, _: Call) -> Answer:
        """Answer `ValidateSchema`; compatibility is looked at by `CommitSchema` only."""
        check_project(request.parent)
        await self._definitions.of(request.schema)
        return protos.ValidateSchemaResponse()

    async def validate_message(self, request: protos.ValidateMessageRequest, _: Call) -> Answer:
        """Answer `ValidateMessage` against the newest revision, or the one after an @."""
        check_project(request.parent)
        if request.encoding not in ENCODINGS:
            raise InvalidArgument(f"encoding {request.encoding} is not JSON (1) or BINARY (2)")
        schema = request.schema
        if request.WhichOneof("schema_spec") != "schema":
            schema = self._registry.get(*split_revision(request.name))
        definition = await self._definitions.of(schema)
        try:
            await asyncio.to_thread(definition.check, request.message, request.encoding)
        except Mismatch as mismatch:
            raise InvalidArgument(
                f"Invalid data in message: Message failed schema validation ({mismatch})"
            ) from mismatch
        return protos.ValidateMessageResponse()

    def _check_free(self, name: str) -> None:
        if name in self._registry:
            raise AlreadyExists(f"schema {name!r} exists")
        self._registry.check_room(name)

    async def _check_follows(self, new: protos.Schema, earlier: protos.Schema) -> None:
        if new.type_ != earlier.type_:
            raise InvalidArgument(f"schema {earlier.name!r} cannot change its type")
        definition = await self._definitions.of(new)
        former = await self._definitions.of(earlier)
        try:
            await asyncio.to_thread(definition.check_follows, former)
        except Incompatible as problem:
            raise InvalidArgument(
                f'Compatibility checking failed to commit a schema revision for (schema="'
                f'{earlier.name}"). (reason="Revision is incompatible with previous revision: '
                f'{earlier.revision_id}. Failed with error: {problem}")'
            ) from problem

    async def _added(self, name: str, content: protos.Schema) -> protos.Schema:
        revision = self._registry.add(name, content)
        await self._journal.commit()
        return revision


def split_revision(name: str) -> tuple[str, str]:
    """Return the schema's name and the revision id after an @, "" without one.

    Raises: InvalidArgument.
    """
    schema, separator, revision_id = name.partition("@")
    if separator and not revision_id:
        raise InvalidArgument(f"name {name!r} has no revision id after its @")
    return check_schema_name(schema), revision_id


def _viewed(schema: protos.Schema, view: int) -> protos.Schema:
    if view not in (BASIC, FULL):
        raise InvalidArgument(f"view {view} is not BASIC (1) or FULL (2)")
    seen = protos.Schema.FromString(schema.SerializeToString())
    if view == BASIC:
        seen.ClearField("definition")
        seen.ClearField("compiled_proto_schema")
    return seen


def _age(revision: protos.Schema) -> str:
    """Return what sorts the revisions of a schema by age."""
    return f"{revision.name}@{revision.revision_create_time.ToNanoseconds():020}"
