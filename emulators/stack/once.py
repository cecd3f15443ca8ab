"""Run one command to its end, such as the migration."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable

from emulators.stack.errors import StackError
from emulators.stack.log_lines import without_frames
from emulators.stack.processes import Child, kill_session, reason

_LAST_LINES = 8
_KILLED_SECONDS = 0.5
Launch = Callable[[int], Awaitable[Child]]


async def run_once(what: str, launch: Launch, fix: str) -> None:
    """Launch a command of the product and wait for its success.

    Raises:
        StackError: CT107 with the last lines that it printed.
    """
    code, output = await run_to_end(launch)
    if code != 0:
        raise StackError(
            "CT107",
            f"{what} failed ({reason(code)}).",
            *(f"  {line}" for line in without_frames(output.splitlines())[-_LAST_LINES:]),
            "It is one transaction: nothing was changed.",
            fix=fix,
        )


async def run_to_end(launch: Launch) -> tuple[int, str]:
    """Launch a command; the code that it ended with, and what it printed.

    Who is cancelled meanwhile leaves nothing: the command's whole session is killed and has ended.
    """
    output = asyncio.StreamReader()
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "wb") as theirs:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), os.fdopen(read_end, "rb")
        )
        with contextlib.closing(transport):
            child = await launch(theirs.fileno())
            theirs.close()
            return await _ended(child, output)


async def _ended(child: Child, output: asyncio.StreamReader) -> tuple[int, str]:
    try:
        said = await output.read()
        return await child.wait(), said.decode(errors="replace")
    except asyncio.CancelledError:
        kill_session(child)
        await child.wait()
        with contextlib.suppress(TimeoutError):  # what the command started has ended as well
            await asyncio.wait_for(output.read(), _KILLED_SECONDS)
        raise
