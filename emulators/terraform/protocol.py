"""Terraform's provider protocol: its messages, and values as they travel. It decides nothing."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]  # ships no types
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_tools import protoc  # type: ignore[import-untyped]  # ships no types

HERE = Path(__file__).parent
_UNKNOWN_BYTES = b"\0"


class Unknown:
    """A value that is known after apply."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


@cache
def messages() -> Any:
    """Return the message classes by their names in `plugin.proto`, as attributes."""
    pool = DescriptorPool()
    file = pool.AddSerializedFile(_compiled().SerializeToString())
    names = file.message_types_by_name
    classes = {name: message_factory.GetMessageClass(names[name]) for name in names}
    return type("Messages", (), classes)


def decoded(value: Any) -> Any:
    """Return what a DynamicValue holds: None, plain values, `UNKNOWN`."""
    return msgpack.unpackb(value.msgpack, ext_hook=_unknown, strict_map_key=False)


def encoded(value: Any) -> Any:
    """Return a value as a DynamicValue."""
    return messages().DynamicValue(msgpack=msgpack.packb(value, default=_extension))


def problem(summary: str, detail: str) -> Any:
    """Return an error for Terraform to show."""
    return messages().Diagnostic(severity=1, summary=summary, detail=detail)


def _unknown(_code: int, _data: bytes) -> Unknown:
    return UNKNOWN


def _extension(value: object) -> msgpack.ExtType:
    if value is UNKNOWN:
        return msgpack.ExtType(0, _UNKNOWN_BYTES)
    raise TypeError(f"{type(value).__name__} is no value of Terraform's")


def _compiled() -> descriptor_pb2.FileDescriptorProto:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "plugin.binpb")
        code = protoc.main(
            ["protoc", f"--proto_path={HERE}", f"--descriptor_set_out={target}", "plugin.proto"]
        )
        if code:
            raise RuntimeError(f"protoc refused plugin.proto with exit code {code}")
        (file,) = descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes()).file
    return file
