"""The provider's schema as the protocol wants it, and what planning asks of it."""

import json
from collections.abc import Iterator
from typing import Any

from emulators.terraform.protocol import UNKNOWN, messages

_NESTING = {"single": 1, "list": 2, "set": 3}


def schema_answer(schema: dict[str, Any]) -> Any:
    """Return the answer to GetProviderSchema for a schema that `bindings` read."""
    return messages().SchemaAnswer(
        provider=_schema(schema["provider"]),
        resource_schemas={
            name: _schema(value) for name, value in schema["resource_schemas"].items()
        },
        data_source_schemas={
            name: _schema(value) for name, value in schema["data_source_schemas"].items()
        },
    )


def with_unknowns(block: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Return a planned value in which all that only the cloud can say is unknown."""
    result = dict(value)
    for name, attribute in block["attributes"].items():
        if attribute.get("computed") and result.get(name) is None:
            result[name] = UNKNOWN
    for name, inner in block["block_types"].items():
        result[name] = _each(inner, result.get(name), with_unknowns)
    return result


def settled(block: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Return `value` with every remaining unknown replaced by something of its type."""
    result = dict(value)
    for name, attribute in block["attributes"].items():
        if result.get(name) is UNKNOWN:
            result[name] = _empty(attribute["type"])
    for name, inner in block["block_types"].items():
        result[name] = _each(inner, result.get(name), settled)
    return result


def _each(inner: dict[str, Any], value: Any, change: Any) -> Any:
    if value is None or value is UNKNOWN:
        return value
    if inner["nesting_mode"] == "single":
        return change(inner["block"], value)
    return [change(inner["block"], item) for item in value]


def _empty(kind: Any) -> Any:
    if isinstance(kind, str):
        return {"string": "", "number": 0, "bool": False}[kind]
    return {"list": [], "set": [], "map": {}, "object": None}[kind[0]]


def _schema(schema: dict[str, Any]) -> Any:
    return messages().Schema(version=schema["version"], block=_block(schema["block"]))


def _block(block: dict[str, Any]) -> Any:
    kinds = messages().Schema
    return kinds.Block(attributes=_attributes(block), block_types=_nested(block))


def _attributes(block: dict[str, Any]) -> Iterator[Any]:
    for name, attribute in block["attributes"].items():
        yield messages().Schema.Attribute(
            name=name,
            type=json.dumps(attribute["type"]).encode(),
            required=attribute.get("required", False),
            optional=attribute.get("optional", False),
            computed=attribute.get("computed", False),
            write_only=attribute.get("write_only", False),
        )


def _nested(block: dict[str, Any]) -> Iterator[Any]:
    for name, inner in block["block_types"].items():
        yield messages().Schema.NestedBlock(
            type_name=name,
            block=_block(inner["block"]),
            nesting=_NESTING[inner["nesting_mode"]],
            min_items=inner.get("min_items", 0),
            max_items=inner.get("max_items", 0),
        )
