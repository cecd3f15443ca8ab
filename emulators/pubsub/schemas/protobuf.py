"""Protocol Buffer definitions: their message class, in a pool of their own, and what conforms."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, EncodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.unknown_fields import UnknownFieldSet

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.schemas.conformity import JSON, Incompatible, Mismatch
from emulators.pubsub.schemas.protobuf_evolution import problems

# What json_format does with a message that only has the name of one of Google's own.
_WELL_KNOWN_BUT_OTHER = (ValueError, TypeError, AttributeError, LookupError)


@dataclass(frozen=True, slots=True)
class ProtobufDefinition:
    """A Protocol Buffer schema. `pool` must outlive `root`, which only points into it."""

    pool: DescriptorPool
    root: type[Message]

    def check(self, data: bytes, encoding: int) -> None:
        """Raise Mismatch unless `data` is a message of this type that uses its fields only.

        Source: measured by users of the service: BINARY data with a field number that is in no
        revision of the range is refused.
        """
        message = self._from_json(data) if encoding == JSON else self._from_binary(data)
        if not message.IsInitialized():
            raise Mismatch(_missing(message))

    def check_follows(self, earlier: "ProtobufDefinition") -> None:
        """Raise Incompatible unless only optional fields were added or removed."""
        new, former = (cast(Descriptor, one.root.DESCRIPTOR) for one in (self, earlier))
        problem = next(problems(new, former, set()), None)
        if problem:
            raise Incompatible(problem)

    def _from_json(self, data: bytes) -> Message:
        message = self.root()
        try:
            text = data.decode()
            if not text.lstrip().startswith("{"):
                raise Mismatch("it is not a JSON object")
            json_format.Parse(text, message, descriptor_pool=self.pool)
        except UnicodeDecodeError as error:
            raise Mismatch("it is not UTF-8") from error
        except (json_format.ParseError, RecursionError, *_WELL_KNOWN_BUT_OTHER) as error:
            raise Mismatch(str(error)) from error
        return message

    def _from_binary(self, data: bytes) -> Message:
        try:
            message = self.root.FromString(data)
        except DecodeError as error:
            raise Mismatch(str(error)) from error
        for owner, number in _unknown_fields(message):
            raise Mismatch(f"{owner} has no field {number}")
        return message


def load_compiled(compiled: bytes, root: str = "") -> ProtobufDefinition:
    """Return the definition in a serialised FileDescriptorSet; its only message is the root.

    `root` is the full name of the root where the caller gives one: then there may be more types
    and files, each after those that it imports. Raises: InvalidArgument.
    """
    pool = DescriptorPool()
    try:
        files = FileDescriptorSet.FromString(compiled).file
        name = root or _only_message(files)
        for one in files:
            pool.Add(one)
        return ProtobufDefinition(pool, GetMessageClass(pool.FindMessageTypeByName(name)))
    except (DecodeError, TypeError, KeyError, ValueError) as error:
        raise InvalidArgument(f"the Protocol Buffer definition is not valid: {error}") from error


def _only_message(files: Sequence[FileDescriptorProto]) -> str:
    messages = [(one.package, message.name) for one in files for message in one.message_type]
    others = [enum.name for one in files for enum in one.enum_type]
    if len(messages) != 1 or others:
        found = ", ".join([name for _, name in messages] + others) or "none"
        raise InvalidArgument(
            f"the definition must have exactly one top-level type, a message, not: {found}"
        )
    return ".".join(filter(None, messages[0]))


def _missing(message: Message) -> str:
    """Return protobuf's own words for the required fields that a message lacks."""
    try:
        message.SerializeToString()
    except EncodeError as error:
        return str(error)
    return "required fields are missing"


def _unknown_fields(message: Message) -> Iterator[tuple[str, int]]:
    """Yield the message type and the number of each field that the definition does not have."""
    unknown = UnknownFieldSet(message)
    for index in range(len(unknown)):
        yield message.DESCRIPTOR.full_name, unknown[index].field_number
    for field, value in message.ListFields():
        for inner in _messages_in(field, value):
            yield from _unknown_fields(inner)


def _messages_in(field: FieldDescriptor, value: Any) -> Iterable[Message]:
    if field.message_type is None:
        return ()
    if not field.message_type.GetOptions().map_entry:
        return value if field.is_repeated else (value,)
    if field.message_type.fields_by_name["value"].message_type is None:
        return ()
    return list(value.values())
