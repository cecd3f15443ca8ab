"""Compiles a .proto file with protoc, in a process of bounded time, memory and reach."""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

from emulators.pubsub.errors import FailedPrecondition, InvalidArgument
from emulators.pubsub.schemas import protoc_child

LIMIT_SECONDS = 10.0
_LOG = ("WARNING", "W0000", "I0000")  # what protoc's own log puts before its complaints


def compile_proto(text: str, *, limit_seconds: float = LIMIT_SECONDS) -> bytes:
    """Return the serialised FileDescriptorSet of a definition. Blocks for about 0.2 s.

    Raises: InvalidArgument with protoc's own words; FailedPrecondition if grpcio-tools or a folder
    to compile in is missing.
    """
    if importlib.util.find_spec("grpc_tools") is None:
        raise FailedPrecondition(
            "Protocol Buffer schemas need protoc of grpcio-tools: pip install grpcio-tools"
        )
    with _scratch_folder() as folder:
        Path(folder, "schema.proto").write_text(text, encoding="utf-8")
        done = _run(folder, limit_seconds)
        if done.returncode != 0:
            said = _said(done).replace(f"{folder}/", "")
            raise InvalidArgument(f"the Protocol Buffer definition is not valid: {said}")
        return Path(folder, "schema.binpb").read_bytes()


def _scratch_folder() -> "tempfile.TemporaryDirectory[str]":
    try:
        return tempfile.TemporaryDirectory(prefix="pubsub-schema-")
    except OSError as error:
        raise FailedPrecondition(
            "Protocol Buffer schemas are compiled in a temporary folder, and none can be written; "
            "set TMPDIR to one that can"
        ) from error


def _run(folder: str, limit_seconds: float) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603 (our own script; the text comes in a file)
            [sys.executable, "-I", protoc_child.__file__, folder],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=limit_seconds,
            cwd=folder,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidArgument(
            f"the Protocol Buffer definition takes protoc more than {limit_seconds:g} s"
        ) from error


def _said(done: "subprocess.CompletedProcess[str]") -> str:
    """Return protoc's complaint; a process that a limit has ended says nothing of use."""
    if done.returncode < 0:
        return "it takes protoc too much time or memory"
    lines = [line for line in done.stderr.splitlines() if not line.startswith(_LOG)]
    return "; ".join(lines[:5])[:1000]
