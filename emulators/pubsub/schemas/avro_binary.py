"""Whether bytes are one value of an Avro schema in Avro's binary encoding.

The work is bounded by the length of the data, whatever counts it claims.
"""

from collections.abc import Callable
from typing import Any

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


def check_binary(node: Node, data: bytes) -> None:
    """Raise Mismatch unless `data` encodes one value of `node`, and nothing follows it.

    Source: Avro 1.11, "Binary encoding".
    """
    try:
        end = _skip(node, data, 0)
    except RecursionError as error:
        raise Mismatch("it is nested too deeply") from error
    if end != len(data):
        raise Mismatch(f"{len(data) - end} bytes follow the value")


def _skip(node: Node, data: bytes, at: int) -> int:
    return _SKIPS[type(node)](node, data, at)


def _skip_primitive(node: Primitive, data: bytes, at: int) -> int:
    return _PRIMITIVES[node.kind](data, at)


def _skip_array(node: Array, data: bytes, at: int) -> int:
    return _skip_blocks(lambda start: _skip(node.items, data, start), data, at)


def _skip_map(node: Map, data: bytes, at: int) -> int:
    return _skip_blocks(lambda start: _skip(node.values, data, _skip_text(data, start)), data, at)


def _skip_union(node: Union, data: bytes, at: int) -> int:
    index, at = _long(data, at)
    if not 0 <= index < len(node.branches):
        raise Mismatch(f"the union has no branch {index}")
    return _skip_within(label(node.branches[index]), node.branches[index], data, at)


def _skip_fixed(node: Fixed, data: bytes, at: int) -> int:
    return _advance(data, at, node.size)


def _skip_enum(node: Enum, data: bytes, at: int) -> int:
    index, at = _long(data, at)
    if not 0 <= index < len(node.symbols):
        raise Mismatch(f"{node.name} has no symbol {index}")
    return at


def _skip_record(node: Record, data: bytes, at: int) -> int:
    for name, one in node.fields.items():
        at = _skip_within(name, one.type, data, at)
    return at


def _skip_within(step: str, node: Node, data: bytes, at: int) -> int:
    try:
        return _skip(node, data, at)
    except Mismatch as mismatch:
        raise mismatch.within(step) from None


def _skip_blocks(skip_item: Callable[[int], int], data: bytes, at: int) -> int:
    while True:
        count, at = _long(data, at)
        if count == 0:
            return at
        size = None
        if count < 0:
            size, at = _long(data, at)
        end = _skip_items(skip_item, abs(count), at)
        if size is not None and end - at != size:
            raise Mismatch(f"a block of {end - at} bytes says that it has {size}")
        at = end


def _skip_items(skip_item: Callable[[int], int], count: int, at: int) -> int:
    for _ in range(count):
        end = skip_item(at)
        if end == at:  # an item without bytes, so none of its kind has any
            return at
        at = end
    return at


def _skip_int(data: bytes, at: int) -> int:
    value, at = _long(data, at)
    if not -(1 << 31) <= value < 1 << 31:
        raise Mismatch(f"{value} is not int")
    return at


def _skip_boolean(data: bytes, at: int) -> int:
    end = _advance(data, at, 1)
    if data[at] > 1:
        raise Mismatch(f"{data[at]} is not boolean")
    return end


def _skip_bytes(data: bytes, at: int) -> int:
    size, at = _long(data, at)
    if size < 0:
        raise Mismatch(f"a length of {size}")
    return _advance(data, at, size)


def _skip_text(data: bytes, at: int) -> int:
    size, start = _long(data, at)
    end = _skip_bytes(data, at)
    try:
        data[start:end].decode()
    except UnicodeDecodeError as error:
        raise Mismatch(f"a string of {size} bytes is not UTF-8") from error
    return end


def _advance(data: bytes, at: int, size: int) -> int:
    if at + size > len(data):
        raise Mismatch(f"the data ends {at + size - len(data)} bytes too early")
    return at + size


def _long(data: bytes, at: int) -> tuple[int, int]:
    """Return the zig-zag number at `at`, and where it ends."""
    value = shift = 0
    while True:
        _advance(data, at, 1)
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            break
        shift += 7
    if value >= 1 << 64 or shift > 63:
        raise Mismatch("a number has more than 64 bits")
    return value >> 1 ^ -(value & 1), at


_PRIMITIVES: dict[str, Callable[[bytes, int], int]] = {
    "null": lambda _, at: at,
    "boolean": _skip_boolean,
    "int": _skip_int,
    "long": lambda data, at: _long(data, at)[1],
    "float": lambda data, at: _advance(data, at, 4),
    "double": lambda data, at: _advance(data, at, 8),
    "bytes": _skip_bytes,
    "string": _skip_text,
}
_SKIPS: dict[type, Callable[[Any, bytes, int], int]] = {
    Primitive: _skip_primitive,
    Array: _skip_array,
    Map: _skip_map,
    Union: _skip_union,
    Fixed: _skip_fixed,
    Enum: _skip_enum,
    Record: _skip_record,
}
