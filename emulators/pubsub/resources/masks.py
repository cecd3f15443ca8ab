"""Update masks: which fields of a resource a caller wants changed. It knows no field by name."""

from collections.abc import Collection
from typing import TypeVar

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from emulators.pubsub.errors import InvalidArgument

Resource = TypeVar("Resource", bound=Message)


def merged(old: Resource, new: Resource, mask: FieldMask, mutable: Collection[str]) -> Resource:
    """Return a copy of `old` with the fields of `mask` taken from `new`, absent ones cleared.

    Raises: InvalidArgument for an empty mask, an unknown path, or one outside `mutable`.
    """
    _check(mask, old, mutable)
    result = _copy(old)
    for path in mask.paths:
        _take(path, new, result)
    return result


def _check(mask: FieldMask, resource: Message, mutable: Collection[str]) -> None:
    kind = resource.DESCRIPTOR.name.lower()
    if not mask.paths:
        raise InvalidArgument("update_mask is empty: name the fields to change")
    for path in mask.paths:
        if not _is_field(path, resource):
            raise InvalidArgument(
                f"update_mask path {path[:100]!r} is not a field of a {kind}; "
                "paths are written like 'labels' or 'push_config.push_endpoint'"
            )
        if path.split(".")[0] not in mutable:
            raise InvalidArgument(f"update_mask path {path!r} of a {kind} cannot be changed")


def _is_field(path: str, resource: Message) -> bool:
    """Say whether `path` leads through messages to a field."""
    value: object = resource
    for name in path.split("."):
        if not isinstance(value, Message) or name not in value.DESCRIPTOR.fields_by_name:
            return False
        value = getattr(value, name)
    return True


def _take(path: str, source: Message, target: Message) -> None:
    name, _, rest = path.partition(".")
    if not rest:
        target.ClearField(name)
        target.MergeFrom(_only(name, source))
    elif source.HasField(name) or target.HasField(name):
        _take(rest, getattr(source, name), getattr(target, name))


def _only(name: str, message: Resource) -> Resource:
    """Return a copy with one field. (`FieldMask.MergeMessage` would lose an empty message.)"""
    result = _copy(message)
    for field, _ in result.ListFields():
        if field.name != name:
            result.ClearField(field.name)
    return result


def _copy(message: Resource) -> Resource:
    result = type(message)()
    result.CopyFrom(message)
    return result
