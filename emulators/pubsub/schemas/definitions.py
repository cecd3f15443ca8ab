"""From a Schema resource to what checks messages: parsed off the event loop, the last used kept."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.protos import Schema
from emulators.pubsub.schemas.conformity import AVRO, PROTOCOL_BUFFER, Definition

MAX_DEFINITION_BYTES = 300 * 1024
KEPT = 100  # parsed definitions in memory
AT_A_TIME = 2  # parses under way, of which each may be a process of its own


class Source(NamedTuple):
    """All of a Schema that its definition depends on. `compiled` is a FileDescriptorSet."""

    type: int
    text: str
    compiled: bytes
    root: str

    @classmethod
    def of(cls, schema: Schema) -> "Source":
        """Return the source of `schema`. Raises: InvalidArgument for one that cannot be parsed."""
        compiled = schema.compiled_proto_schema
        source = cls(
            schema.type_, schema.definition, compiled.compiled_bytes, compiled.root_message
        )
        if problem := source.problem():
            raise InvalidArgument(problem)
        return source

    def problem(self) -> str | None:
        """Return what is wrong before any parsing."""
        if self.type not in (AVRO, PROTOCOL_BUFFER):
            return f"schema type {self.type} is not PROTOCOL_BUFFER (1) or AVRO (2)"
        if self.compiled and (self.text or self.type == AVRO or not self.root):
            return (
                "compiled_proto_schema goes with type PROTOCOL_BUFFER, a root_message and no "
                "definition"
            )
        size = len(self.text.encode()) + len(self.compiled)
        if not 1 <= size <= MAX_DEFINITION_BYTES:
            return f"definition has {size} bytes; it must have 1 to {MAX_DEFINITION_BYTES}"
        return None


class Definitions:
    """Parsed definitions by their source; `parse` blocks, so it is called in a thread."""

    def __init__(
        self, parse: Callable[[Source], Definition] | None = None, *, most: int = KEPT
    ) -> None:
        self._parse = parse or parse_source
        self._most = most
        self._kept: OrderedDict[Source, Definition] = OrderedDict()
        self._places = asyncio.Semaphore(AT_A_TIME)

    async def of(self, schema: Schema) -> Definition:
        """Return the parsed definition of a Schema.

        Raises: InvalidArgument; FailedPrecondition if the parser is not installed.
        """
        source = Source.of(schema)
        if source not in self._kept:
            async with self._places:
                self._keep(source, await asyncio.to_thread(self._parse, source))
        self._kept.move_to_end(source)
        return self._kept[source]

    def _keep(self, source: Source, definition: Definition) -> None:
        self._kept[source] = definition
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


def parse_source(source: Source) -> Definition:
    """Parse a definition. Blocks: Protocol Buffers take a process of 0.2 s, at most 10 s."""
    # Here, because the parsers cost time and memory that only users of schemas should pay.
    if source.type == AVRO:
        from emulators.pubsub.schemas.avro import parse_avro

        return parse_avro(source.text)
    from emulators.pubsub.schemas.protobuf import load_compiled
    from emulators.pubsub.schemas.protoc import compile_proto

    return load_compiled(source.compiled or compile_proto(source.text), source.root)
