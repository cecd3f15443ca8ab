"""The command itself, also as `python -m shared.cli`: while it still loads, Ctrl-C only ends it."""

import os
import signal
from types import FrameType


def main() -> None:
    """Run the command line with this process's arguments."""
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, _leave)
    # Imported here: loading takes long enough for a Ctrl-C, which must print no stack trace.
    from shared.cli.main import run

    if interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"CT130 Interrupted.\nNothing was begun.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
