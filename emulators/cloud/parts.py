"""A part for the keeper of the local stack: how it is launched, and how it is known to work."""

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from emulators.cloud.folder import Folder
from emulators.cloud.spec import ANSWERS, OPENS, Spec
from emulators.stack import postgres, readiness, valkey
from emulators.stack.keeper import Part
from emulators.stack.placement import place
from emulators.stack.postgres import Postgres
from emulators.stack.processes import Child, Program
from emulators.stack.valkey import Valkey

Note = Callable[[str], None]
# By which a process of a deployment is known, whoever its parent is by now.
MARK = "CLOUDTASKER_DEPLOY_FOLDER"


async def part_of(spec: Spec, folder: Folder, free: Callable[[], None], note: Note) -> Part:
    """Return the part; `free` lets go of its ports, just before it takes them itself.

    Raises: StackError when what it needs is not installed or cannot be made.
    """
    if spec.kind == "postgres":
        return await _postgres(spec, folder, free, note)
    if spec.kind == "redis":
        server = Valkey(valkey.find_binary(os.environ), folder.data / spec.name, spec.ports["main"])
        return Part(spec.name, _starting(server.program(), free), readiness.until(server.answers()))
    environment = {**_inherited(), **spec.environment, MARK: str(folder.path)}
    program = Program(spec.argv, environment, Path(spec.folder))
    return Part(spec.name, _starting(program, free), _ready(spec))


async def _postgres(spec: Spec, folder: Folder, free: Callable[[], None], note: Note) -> Part:
    folder.data.mkdir(parents=True, exist_ok=True)
    placed = place(postgres.find_binaries(os.environ), folder.data / f"postgres-{spec.name}")
    server = Postgres(placed, spec.ports["main"], note)
    await server.prepare()
    return Part(spec.name, _starting(server.program(), free), server.ready, signal.SIGINT)


def _starting(program: Program, free: Callable[[], None]) -> Callable[[int], Awaitable[Child]]:
    async def launch(output: int) -> Child:
        free()
        return await program.start(output)

    return launch


def _ready(spec: Spec) -> readiness.Ready:
    if spec.ready == ANSWERS:
        return readiness.until(readiness.http(spec.ports["main"], spec.ready_path))
    if spec.ready == OPENS:
        return readiness.until(readiness.opens(spec.ports["main"]))

    async def started(_child: Child) -> None:
        """It serves nobody: it works from its start."""

    return started


def _inherited() -> dict[str, str]:
    """Return what a process needs of this machine; no setting of the product is among it."""
    names = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")
    return {name: os.environ[name] for name in names if name in os.environ} | {
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
