"""The guardian itself, a script that imports nothing of ours.

It is told the sessions of the running children; when the pipe closes without a last, empty list,
the supervisor has died and whatever is on the list is killed.
"""

import contextlib
import json
import os
import signal
import sys


def main() -> None:
    """Remember the last list, and end it when the input does."""
    sessions: list[int] = []
    for line in sys.stdin:
        sessions = json.loads(line)
    for session in sessions:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(session, signal.SIGKILL)


if __name__ == "__main__":
    main()
