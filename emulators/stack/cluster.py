"""Make a database folder: whole or not at all, whatever ends the run meanwhile."""

import contextlib
import os
import shutil
import signal
import tempfile
from dataclasses import replace
from pathlib import Path

from emulators.stack.errors import StackError
from emulators.stack.guardian import Guardian
from emulators.stack.once import run_to_end
from emulators.stack.placement import Placement
from emulators.stack.processes import Child, Program
from emulators.stack.removal import finish

DATABASE = "cloudtasker"
_OPTIONS = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")


async def make_cluster(place: Placement) -> None:
    """Make the cluster beside its place and move it there.

    Each try has a folder of its own: what a killed one left may still be written to.

    Raises:
        StackError: CT106 with the last lines that initdb printed.
    """
    place.data.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f"{place.data.name}.new-", dir=place.data.parent))
    guardian = Guardian()
    try:
        if place.identity is not None:
            place.identity.own(new)
        await guardian.start()
        initdb = [str(place.binaries / "initdb"), "-D", str(new), "-U", "postgres", *_OPTIONS]
        await _run(place, guardian, initdb)
        single = [str(place.binaries / "postgres"), "--single", "-D", str(new), "postgres"]
        await _run(place, guardian, single, f"CREATE DATABASE {DATABASE};\n")
        _move(new, place.data)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        await guardian.stop()


def _move(new: Path, data: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        data.rmdir()
    new.rename(data)


async def _run(place: Placement, guardian: Guardian, argv: list[str], text: str = "") -> None:
    """Run a command to its end, feeding it `text`; it and its children end with us."""
    program = replace(program_of(place, argv), announce=guardian.announcement())

    async def launch(output: int) -> Child:
        stdin = _file_of(text)
        try:
            return await program.start(output, stdin=stdin)
        finally:
            os.close(stdin)

    code, output = await run_to_end(launch)
    guardian.watch(())
    if code != 0 or "ERROR:" in output:
        raise StackError(
            "CT106",
            f"The database folder {place.data} could not be made.",
            *(f"  {line}" for line in output.splitlines()[-5:]),
            "Nothing that was there before was touched.",
            fix="correct what the last line says, or set CLOUDTASKER_DATABASE_URL.",
        )


def clear_leftovers(place: Placement) -> None:
    """Remove what runs left that were killed while they made or removed a cluster."""
    finish(place.data)
    for half in place.data.parent.glob(f"{place.data.name}.new*"):
        shutil.rmtree(half, ignore_errors=True)


def program_of(
    place: Placement, argv: list[str], orphan_signal: signal.Signals = signal.SIGKILL
) -> Program:
    """One of Postgres' programs, run by who runs them at this place."""
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    return Program(argv, environment, Path("/"), place.identity, orphan_signal=orphan_signal)


def _file_of(text: str) -> int:
    """A descriptor from which `text` can be read to its end (it must fit a pipe)."""
    read_end, write_end = os.pipe()
    os.write(write_end, text.encode())
    os.close(write_end)
    return read_end
