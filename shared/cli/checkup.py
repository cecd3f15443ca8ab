"""The checks of `cloudtasker doctor`: each ok, warn or fail, with what to do."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, Literal

from shared.cli.check_schemas import has_meta_schema, problem_of
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
    return [python(sys.version_info[:2]), *data_folder(folder)]


def python(version: tuple[int, ...]) -> Check:
    """Whether this Python can run it."""
    said = ".".join(map(str, version))
    if version >= OLDEST_PYTHON:
        return Check("python", "ok", said)
    return Check("python", "fail", said, "install Python 3.11 or newer")


def data_folder(folder: Path, least_bytes: int = FEW_BYTES) -> list[Check]:
    """Whether the folder can be written, by a file that is gone at once, and the disk has room."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        with TemporaryFile(dir=there) as file:
            file.write(b"cloudtasker doctor")
    except OSError as refused:
        said = f"{there} cannot be written: {refused.strerror or refused}"
        return [Check("data folder", "fail", said, "chown or chmod it, or choose another folder")]
    free = shutil.disk_usage(there).free
    said = f"{free / 1e9:.1f} GB free"
    fix = "" if free >= least_bytes else "make room: Postgres stops when the disk is full"
    return [
        Check("data folder", "ok", str(folder)),
        Check("disk", "ok" if not fix else "warn", said, fix),
    ]


async def parts(setup: Setup, url: str | None) -> tuple[list[Check], StackState | None]:
    """Every part of the stack that runs here, in its own protocol; with `url` that API alone."""
    if url:
        return [_part(one, url) for one in await ask_all(setup, None, url)], None
    try:
        state = read_stack_state()
    except CliError:
        fix = "start it with `cloudtasker dev`"
        return [Check("stack", "warn", "nothing runs in this folder", fix)], None
    return [_part(one) for one in await ask_all(setup, state, None)], state


def _part(part: PartStatus, url: str | None = None) -> Check:
    if part.ok:
        return Check(part.name, "ok", f"{part.address} {part.said}".strip())
    fix = "see the stack's own lines, or start it again: `cloudtasker dev`"
    if url:
        fix = "check the address, the network, and the service's log"
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
    if problem := problem_of(one["payload_schema"]):
        return Check(name, "fail", f"its JSON Schema is none: {problem}", "mend its payload.py")
    if one["payload_schema"].get("type") != "object":
        return Check(name, "fail", "its payload is no JSON object", "mend its payload.py")
    return Check(name, "ok", "its limits and its JSON Schema fit" + _how_far())


def _how_far() -> str:
    """What was not looked at, said rather than passed over."""
    if has_meta_schema():
        return ""
    return "; not held against the meta-schema: pip install 'cloudtasker[local]'"
