"""What a topic's schema settings make of Publish: they let conforming messages through, marked."""

import asyncio
from collections.abc import Mapping, Sequence

from emulators.pubsub.errors import InvalidArgument, NotFound
from emulators.pubsub.names import DELETED_SCHEMA, check_schema_name
from emulators.pubsub.protos import PubsubMessage, Schema, SchemaSettings
from emulators.pubsub.schemas.conformity import ENCODINGS, Definition, Mismatch
from emulators.pubsub.schemas.definitions import Definitions
from emulators.pubsub.schemas.registry import Registry

# More data than this is checked in a thread; less costs the loop about 5 ms.
INLINE_BYTES = 16_000


class SchemaCheck:
    """Holds topics' settings and their messages against the registry."""

    def __init__(self, registry: Registry, definitions: Definitions) -> None:
        self._registry = registry
        self._definitions = definitions

    def check_settings(self, settings: SchemaSettings) -> None:
        """Check the settings of a topic to be created or changed.

        Raises: InvalidArgument; NotFound for a schema or a revision that does not exist.
        """
        name = check_schema_name(settings.schema)
        if settings.encoding not in ENCODINGS:
            raise InvalidArgument(f"schema_settings.encoding {settings.encoding} is not 1 or 2")
        self._registry.between(name, settings.first_revision_id, settings.last_revision_id)

    async def check(self, settings: SchemaSettings, messages: Mapping[int, PubsubMessage]) -> None:
        """Check the messages of a request, by number, and add the attributes that tell the schema.

        The newest revision of the range that a message conforms to is its own. Raises: NotFound
        if the schema was deleted; InvalidArgument with the number of the message and why.
        """
        if settings.schema == DELETED_SCHEMA:
            raise NotFound("the schema of this topic was deleted: give the topic another, or none")
        revisions = await self._parsed(settings)
        data = {number: message.data for number, message in messages.items()}
        if sum(map(len, data.values())) * len(revisions) > INLINE_BYTES:
            ids = await asyncio.to_thread(_conforming, revisions, data, settings.encoding)
        else:
            ids = _conforming(revisions, data, settings.encoding)
        for message, revision_id in zip(messages.values(), ids, strict=True):
            message.attributes["googclient_schemaname"] = settings.schema
            message.attributes["googclient_schemarevisionid"] = revision_id
            message.attributes["googclient_schemaencoding"] = ENCODINGS[settings.encoding]

    async def _parsed(self, settings: SchemaSettings) -> list[tuple[str, Definition]]:
        revisions: list[Schema] = self._registry.between(
            settings.schema, settings.first_revision_id, settings.last_revision_id
        )
        if not revisions:
            raise InvalidArgument(
                f"schema {settings.schema!r} has no revision left in the topic's range"
            )
        return [(one.revision_id, await self._definitions.of(one)) for one in revisions]


def _conforming(
    revisions: Sequence[tuple[str, Definition]], data: Mapping[int, bytes], encoding: int
) -> list[str]:
    """Return for each message the first revision that takes it. Raises: InvalidArgument."""
    return [_revision_of(number, one, revisions, encoding) for number, one in data.items()]


def _revision_of(
    number: int, data: bytes, revisions: Sequence[tuple[str, Definition]], encoding: int
) -> str:
    reasons: list[str] = []
    for revision_id, definition in revisions:
        try:
            definition.check(data, encoding)
        except Mismatch as mismatch:
            reasons.append(f"revision {revision_id}: {mismatch}")
        else:
            return revision_id
    raise InvalidArgument(
        f"message {number}: Invalid data in message: Message failed schema validation "
        f"({'; '.join(reasons[:3])})"
    )
