"""`python -m emulators.stack`: start everything, show its logs, stop it on Ctrl-C."""

import asyncio
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

from emulators.stack.console import Console
from emulators.stack.errors import StackError, UsageError, first_stack_error
from emulators.stack.options import Options, parse
from emulators.stack.prepare import prepare
from emulators.stack.reload import follow, watch
from emulators.stack.scale import read_scale
from emulators.stack.stack import Stack

_TRY = """
Try   curl -s -X POST {rest}/enqueue-task -H 'Content-Type: application/json' \\
        -d '{{"task_type": "send_email", "payload": {{"to": "test@example.com", \
"subject": "Welcome!", "body": "Hello from CloudTasker!"}}}}'
      {cloudtasker} mail

Ready in {seconds:.1f} s. Logs follow; Ctrl-C stops everything.
"""


async def run(options: Options, console: Console) -> None:
    """Run until a signal or until nobody reads the output.

    Raises:
        StackError: the start failed (perhaps inside an exception group); all is stopped then.
    """
    began = time.monotonic()
    told = asyncio.Event()
    console.on_closed = told.set
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    scale = read_scale(options.scale, os.environ, options.root)
    lock = prepare(options.data_dir, fresh=options.fresh, note=console.say)
    stack = Stack(options, os.environ, console, lock, scale)
    ending = asyncio.create_task(told.wait())
    try:
        with watch(stack) as edited:  # from here on, so that no edit during the start is missed
            await _first(asyncio.create_task(stack.start()), ending)
            if not told.is_set():
                _invite(stack, console, time.monotonic() - began)
                await _first(asyncio.create_task(follow(stack, edited)), ending)
        console.say("\nStopping.")
    finally:
        await stack.stop()


async def _first(work: "asyncio.Task[None]", ending: "asyncio.Task[bool]") -> None:
    """Wait for `work`, or for the end of the run, which cancels it."""
    await asyncio.wait({work, ending}, return_when=asyncio.FIRST_COMPLETED)
    if not work.done():
        work.cancel()
    await asyncio.gather(work, return_exceptions=ending.done())


def _invite(stack: Stack, console: Console, seconds: float) -> None:
    """Say that all is ready, and what to type next."""
    rest = stack.layout.urls().get("enqueue", "")
    console.say(_TRY.format(rest=rest, seconds=seconds, cloudtasker=command(os.environ)))
    console.release()


def command(environ: Mapping[str, str], python: str = sys.executable) -> str:
    """What to type for `cloudtasker`: its path where the shell would not find it by its name."""
    if shutil.which("cloudtasker", path=environ.get("PATH", "")):
        return "cloudtasker"
    return os.path.relpath(Path(python).with_name("cloudtasker"))


def main() -> int:
    """Returns 0 after Ctrl-C, 1 when the stack could not start, 2 when it was asked wrongly."""
    options = parse(None)
    console = Console(sys.stdout, as_json=options.as_json, verbose=options.verbose)
    try:
        asyncio.run(run(options, console))
    except (StackError, BaseExceptionGroup) as error:
        known = first_stack_error(error)
        if known is None:
            raise
        if options.verbose:
            traceback.print_exception(error)
        print(f"\n{known}", file=sys.stderr)
        return 2 if isinstance(known, UsageError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
