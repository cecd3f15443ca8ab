"""Avro definitions: parsed by fastavro, then held as a small tree that the checks walk over."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulators.pubsub.errors import FailedPrecondition, InvalidArgument
from emulators.pubsub.schemas.avro_binary import check_binary
from emulators.pubsub.schemas.avro_evolution import check_both_ways
from emulators.pubsub.schemas.avro_json import check_json
from emulators.pubsub.schemas.avro_types import (
    PRIMITIVES,
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Node,
    Primitive,
    Record,
    Union,
    label,
)
from emulators.pubsub.schemas.conformity import JSON

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class AvroDefinition:
    """An Avro schema: what data must look like, and what may follow it."""

    root: Node

    def check(self, data: bytes, encoding: int) -> None:
        """Raise Mismatch unless `data` is one value of this schema, and nothing after it."""
        check = check_json if encoding == JSON else check_binary
        check(self.root, data)

    def check_follows(self, earlier: "AvroDefinition") -> None:
        """Raise Incompatible unless each of the two can read what the other writes.

        Source: Pub/Sub, "Commit a schema revision": a new revision must follow Avro's rules of
        schema resolution as though it were both the reader's and the writer's schema.
        """
        check_both_ways(self.root, earlier.root)


def parse_avro(text: str) -> AvroDefinition:
    """Parse a definition. Raises: InvalidArgument; FailedPrecondition if fastavro is missing.

    Defaults are not held against their types: the service's own documentation has a double with
    the default "0.0".
    """
    try:
        from fastavro.schema import SchemaParseException, parse_schema
    except ImportError as error:
        raise FailedPrecondition("Avro schemas need fastavro: pip install fastavro") from error
    named: dict[str, Any] = {}
    try:
        parsed = parse_schema(_loaded(text), named_schemas=named, _ignore_default_error=True)
        return AvroDefinition(_Builder(named).build(parsed))
    except (SchemaParseException, LookupError, TypeError, ValueError, AttributeError) as error:
        raise InvalidArgument(f"the Avro definition is not valid: {error}") from error
    except RecursionError as error:
        raise InvalidArgument("the Avro definition is nested too deeply") from error


def _loaded(text: str) -> Any:
    loaded = json.loads(text)
    if not isinstance(loaded, str | dict):
        raise ValueError("it must be one type; a union or a list of types cannot stand at the top")
    return loaded


@dataclass(slots=True)
class _Builder:
    """Turns what fastavro has parsed into nodes; a name stands for the same node everywhere."""

    definitions: Mapping[str, Any]
    nodes: dict[str, Node] = field(default_factory=dict)

    def build(self, parsed: Any) -> Node:
        if isinstance(parsed, list):
            return self._union([self.build(branch) for branch in parsed])
        kind = parsed if isinstance(parsed, str) else parsed["type"]
        if kind in PRIMITIVES:
            return Primitive(kind)
        if kind == "array":
            return Array(self.build(parsed["items"]))
        if kind == "map":
            return Map(self.build(parsed["values"]))
        return self._named(kind if isinstance(parsed, str) else parsed["name"])

    def _union(self, branches: Sequence[Node]) -> Union:
        labels = [label(branch) for branch in branches]
        if "union" in labels or len(set(labels)) < len(labels):
            raise ValueError(f"the union of {', '.join(labels)} repeats a type or holds a union")
        return Union(tuple(branches))

    def _named(self, name: str) -> Node:
        if name not in self.nodes:
            if not all(map(_NAME.fullmatch, name.split("."))):
                raise ValueError(f"{name!r} is not a name")
            self.nodes[name] = self._define(name, self.definitions[name])
        return self.nodes[name]

    def _define(self, name: str, parsed: Mapping[str, Any]) -> Node:
        aliases = _texts(parsed.get("aliases", []))
        if parsed["type"] == "enum":
            return Enum(name, _texts(parsed["symbols"]), parsed.get("default"), aliases)
        if parsed["type"] == "fixed":
            return Fixed(name, _size(parsed["size"]), aliases)
        if parsed["type"] not in ("record", "error"):
            raise ValueError(f"unknown type {parsed['type']!r}")
        record = self.nodes[name] = Record(name, {}, aliases)
        for one in parsed["fields"]:
            if one["name"] in record.fields or not _NAME.fullmatch(one["name"]):
                raise ValueError(f"field {one['name']!r} of {name} stands twice or is no name")
            record.fields[one["name"]] = Field(
                self.build(one["type"]), "default" in one, _texts(one.get("aliases", []))
            )
        return record


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{value!r} is not a list of names")
    return tuple(value)


def _size(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"size {value!r} is not a number of bytes")
    return value
