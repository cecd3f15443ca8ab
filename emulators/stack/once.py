"""Run one command of the product to its end, such as the migration."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from emulators.stack.errors import StackError
from emulators.stack.log_lines import without_frames
from emulators.stack.processes import Child, reason

_LAST_LINES = 8


async def run_once(what: str, launch: Callable[[int], Awaitable[Child]], fix: str) -> None:
    """Launch a command and wait for its success.

    Raises:
        StackError: CT107 with the last lines that it printed.
    """
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader:
        try:
            child = await launch(write_end)
        finally:
            os.close(write_end)
        output = (await asyncio.to_thread(reader.read)).decode(errors="replace")
    if (code := await child.wait()) != 0:
        raise StackError(
            "CT107",
            f"{what} failed ({reason(code)}).",
            *(f"  {line}" for line in without_frames(output.splitlines())[-_LAST_LINES:]),
            "It is one transaction: nothing was changed.",
            fix=fix,
        )
