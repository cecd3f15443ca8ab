"""The types of an Avro schema as a tree; named types may contain themselves. No rules here."""

from dataclasses import dataclass

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")


@dataclass(frozen=True, slots=True)
class Primitive:
    """One of PRIMITIVES; logical types count as the type below them."""

    kind: str


@dataclass(frozen=True, slots=True)
class Array:
    """Values of one type."""

    items: "Node"


@dataclass(frozen=True, slots=True)
class Map:
    """Values of one type by a string."""

    values: "Node"


@dataclass(frozen=True, slots=True)
class Union:
    """A value of one of several types."""

    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """So many bytes."""

    name: str
    size: int
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Enum:
    """One of several symbols."""

    name: str
    symbols: tuple[str, ...]
    default: str | None
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record."""

    type: "Node"
    has_default: bool
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """Fields by name, in the order of the binary encoding."""

    name: str
    fields: dict[str, Field]
    aliases: tuple[str, ...]


Node = Primitive | Array | Map | Union | Fixed | Enum | Record


def label(node: Node) -> str:
    """Return what a union calls this type in the JSON encoding."""
    if isinstance(node, Primitive):
        return node.kind
    if isinstance(node, Fixed | Enum | Record):
        return node.name
    return type(node).__name__.lower()
