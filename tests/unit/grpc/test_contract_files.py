"""The contract itself: its generated code is up to date, and nothing that was published moved."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from emulators.pubsub import protos
from protos.cloudtasker.pubsub import publish_pb2
from protos.cloudtasker.v1 import task_service_pb2 as pb
from protos.generate import ROOT, generate

FOLDER = Path("protos/cloudtasker/v1")
PUBSUB = Path("protos/cloudtasker/pubsub")


@pytest.mark.parametrize("folder", [FOLDER, PUBSUB], ids=str)
def test_the_committed_code_is_what_the_generator_writes(tmp_path, folder):
    generate(tmp_path)
    written = {file.name: file.read_text() for file in (tmp_path / folder).iterdir()}

    committed = {name: (ROOT / folder / name).read_text() for name in written}
    assert len(written) == 4
    assert written == committed, "run `make protos`"


def published() -> list[str]:
    lines = (ROOT / FOLDER / "published.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def described() -> list[str]:
    """Every method, field and enum value of the contract, one a line."""
    file = FileDescriptorProto.FromString(pb.DESCRIPTOR.serialized_pb)
    methods = [
        f"{service.name}.{method.name}: {method.input_type} -> {method.output_type}"
        for service in file.service
        for method in service.method
    ]
    return methods + [line for message in file.message_type for line in lines_of(message)]


def lines_of(message: DescriptorProto) -> Iterator[str]:
    for field in message.field:
        kind = field.type_name or FieldDescriptorProto.Type.Name(field.type)
        label = FieldDescriptorProto.Label.Name(field.label)
        yield f"{message.name}.{field.name} = {field.number}: {label} {kind}"
    for enum in message.enum_type:
        for value in enum.value:
            yield f"{message.name}.{enum.name}.{value.name} = {value.number}"


def test_nothing_that_was_published_has_changed():
    missing = set(published()) - set(described())

    assert missing == set(), "a published method, field or value changed: clients would break"


def test_what_is_new_is_written_down_as_published():
    assert set(described()) - set(published()) == set(), "add these lines to published.txt"


@pytest.mark.parametrize("name", ["PublishRequest", "PubsubMessage"])
def test_what_is_published_is_a_part_of_what_google_reads(name):
    """Field by field: the same name, number and type, so that the same bytes mean the same."""
    ours = getattr(publish_pb2, name).DESCRIPTOR
    google = getattr(protos, name).DESCRIPTOR
    assert set(wire_of(ours)) <= set(wire_of(google))
    assert ours.fields


def wire_of(message: Descriptor) -> Iterator[tuple[str, int, int, bool]]:
    for field in message.fields:
        yield field.name, field.number, field.type, field.is_repeated
        if field.message_type and field.message_type.GetOptions().map_entry:
            yield from wire_of(field.message_type)
