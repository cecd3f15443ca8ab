"""Whether a text is one value of an Avro schema in Avro's JSON encoding."""

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

from emulators.pubsub.schemas.avro_types import (
    Array,
    Enum,
    Fixed,
    Map,
    Node,
    Primitive,
    Record,
    Union,
    label,
)
from emulators.pubsub.schemas.conformity import Mismatch


def check_json(node: Node, data: bytes) -> None:
    """Raise Mismatch unless `data` is one JSON value that encodes a value of `node`.

    Every field must be there, also one with a default, and no other; a union's value stands as
    {"type": value}, null as null. Source: Avro 1.11, "JSON encoding".
    """
    try:
        _check(node, json.loads(data.decode(), parse_constant=_no_constant))
    except UnicodeDecodeError as error:
        raise Mismatch("it is not UTF-8") from error
    except RecursionError as error:
        raise Mismatch("it is nested too deeply") from error
    except ValueError as error:
        raise Mismatch(f"it is not JSON: {error}") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _check(node: Node, value: Any) -> None:
    _CHECKS[type(node)](node, value)


def _check_primitive(node: Primitive, value: Any) -> None:
    if not _IS[node.kind](value):
        raise Mismatch(f"{_short(value)} is not {node.kind}")


def _check_array(node: Array, value: Any) -> None:
    if not isinstance(value, list):
        raise Mismatch(f"{_short(value)} is not an array")
    for index, item in enumerate(value):
        _check_within(f"[{index}]", node.items, item)


def _check_map(node: Map, value: Any) -> None:
    for key, item in _object(value).items():
        if not _is_text(key):
            raise Mismatch(f"key {_short(key)} is not Unicode")
        _check_within(key, node.values, item)


def _check_union(node: Union, value: Any) -> None:
    branches = {label(branch): branch for branch in node.branches}
    if value is None and "null" in branches:
        return
    if not isinstance(value, dict) or len(value) != 1:
        raise Mismatch(
            f'{_short(value)} is not {{"type": value}} with one of {", ".join(branches)}'
        )
    ((name, inner),) = value.items()
    if name not in branches or name == "null":
        raise Mismatch(f"{name!r} is not one of {', '.join(branches)}")
    _check_within(name, branches[name], inner)


def _check_fixed(node: Fixed, value: Any) -> None:
    if not _is_bytes(value) or len(value) != node.size:
        raise Mismatch(f"{_short(value)} is not {node.size} bytes as characters up to U+00FF")


def _check_enum(node: Enum, value: Any) -> None:
    if value not in node.symbols:
        raise Mismatch(f"{_short(value)} is not one of {', '.join(node.symbols)}")


def _check_record(node: Record, value: Any) -> None:
    fields = _object(value)
    for name, one in node.fields.items():
        if name not in fields:
            raise Mismatch("the field is missing; the JSON encoding has no defaults", name)
        _check_within(name, one.type, fields[name])
    if unknown := fields.keys() - node.fields.keys():
        raise Mismatch(f"{node.name} has no such field", min(unknown))


def _check_within(step: str, node: Node, value: Any) -> None:
    try:
        _check(node, value)
    except Mismatch as mismatch:
        raise mismatch.within(step) from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Mismatch(f"{_short(value)} is not an object")
    return value


def _is_integer(bits: int) -> Callable[[Any], bool]:
    def is_integer(value: Any) -> bool:
        return type(value) is int and -(1 << bits - 1) <= value < 1 << bits - 1

    return is_integer


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    """Say whether it is a string that UTF-8 can encode; JSON's escapes can also make others."""
    return isinstance(value, str) and not any("\ud800" <= one <= "\udfff" for one in value)


def _is_bytes(value: Any) -> bool:
    return isinstance(value, str) and all(one <= "\xff" for one in value)


def _short(value: Any) -> str:
    return json.dumps(value)[:60]


_IS: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "int": _is_integer(32),
    "long": _is_integer(64),
    "float": _is_number,
    "double": _is_number,
    "bytes": _is_bytes,
    "string": _is_text,
}
_CHECKS: dict[type, Callable[[Any, Any], None]] = {
    Primitive: _check_primitive,
    Array: _check_array,
    Map: _check_map,
    Union: _check_union,
    Fixed: _check_fixed,
    Enum: _check_enum,
    Record: _check_record,
}
