"""Avro's rules of schema resolution, asked of two schemas instead of a schema and data."""

from collections.abc import Iterator

from emulators.pubsub.schemas.avro_types import (
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
from emulators.pubsub.schemas.conformity import Incompatible

PROMOTIONS = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}
_Pairs = set[tuple[int, int]]


def check_both_ways(new: Node, earlier: Node) -> None:
    """Raise Incompatible unless each can read all that the other can write."""
    problem = next(_problems(new, earlier, set()), None)
    if problem:
        raise Incompatible(f"the new revision cannot read what the earlier one writes: {problem}")
    problem = next(_problems(earlier, new, set()), None)
    if problem:
        raise Incompatible(f"the earlier revision cannot read what the new one writes: {problem}")


def _problems(reader: Node, writer: Node, seen: _Pairs) -> Iterator[str]:
    """Yield why `reader` cannot read some value of `writer`.

    `seen` has the pairs of named types already under comparison, which may contain themselves.
    Source: Avro 1.11, "Schema Resolution".
    """
    if isinstance(writer, Union):
        for branch in writer.branches:
            yield from _problems(reader, branch, seen)
    elif isinstance(reader, Union):
        chosen = _branch_for(writer, reader)
        if chosen is None:
            yield f"no branch of the union takes {label(writer)}"
        else:
            yield from _problems(chosen, writer, seen)
    elif isinstance(reader, Record) and isinstance(writer, Record):
        yield from _record_problems(reader, writer, seen)
    elif isinstance(reader, Array) and isinstance(writer, Array):
        yield from _problems(reader.items, writer.items, seen)
    elif isinstance(reader, Map) and isinstance(writer, Map):
        yield from _problems(reader.values, writer.values, seen)
    elif not _leaf_reads(reader, writer):
        yield f"{label(reader)} does not take {label(writer)}"


def _branch_for(writer: Node, union: Union) -> Node | None:
    """Return the branch that a value of `writer` is read as: the same type, else one that matches.

    Only the outermost type is looked at, so that unions of records do not multiply the work.
    """
    same = [branch for branch in union.branches if label(branch) == label(writer)]
    matching = [branch for branch in union.branches if _matches(branch, writer)]
    return next(iter(same + matching), None)


def _matches(reader: Node, writer: Node) -> bool:
    if isinstance(reader, Record) and isinstance(writer, Record):
        return _same_name(reader, writer)
    return _leaf_reads(reader, writer)


def _record_problems(reader: Record, writer: Record, seen: _Pairs) -> Iterator[str]:
    pair = (id(reader), id(writer))
    if pair in seen:
        return
    seen.add(pair)
    if not _same_name(reader, writer):
        yield f"record {reader.name} does not take record {writer.name}"
    for name, one in reader.fields.items():
        written = _written_field(name, one, writer)
        if written is not None:
            for problem in _problems(one.type, written.type, seen):
                yield f"field {name!r} of {reader.name}: {problem}"
        elif not one.has_default:
            yield f"field {name!r} of {reader.name} has no default and is not in the other revision"


def _written_field(name: str, one: Field, writer: Record) -> Field | None:
    names = (name, *one.aliases)
    return next((writer.fields[known] for known in names if known in writer.fields), None)


def _leaf_reads(reader: Node, writer: Node) -> bool:
    if isinstance(reader, Primitive) and isinstance(writer, Primitive):
        return reader == writer or reader.kind in PROMOTIONS.get(writer.kind, ())
    if isinstance(reader, Fixed) and isinstance(writer, Fixed):
        return _same_name(reader, writer) and reader.size == writer.size
    if isinstance(reader, Enum) and isinstance(writer, Enum):
        unknown = set(writer.symbols) - set(reader.symbols)
        return _same_name(reader, writer) and (not unknown or reader.default is not None)
    return False


def _same_name(reader: Fixed | Enum | Record, writer: Fixed | Enum | Record) -> bool:
    """Compare the names without namespaces, as the specification does, and the reader's aliases."""
    names = {name.rpartition(".")[2] for name in (reader.name, *reader.aliases)}
    return writer.name.rpartition(".")[2] in names
