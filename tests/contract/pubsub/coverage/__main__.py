"""Writes the tables of the emulator's README: `python -m tests.contract.pubsub.coverage`.

With `--measure-googles` it first asks Google's emulator which RPCs it has.
"""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.contract.pubsub.coverage import googles_rpcs
from tests.contract.pubsub.coverage.tables import README, with_tables
from tests.contract.pubsub.processes import googles_is_there


def main():
    """Write the README; return the exit status."""
    if "--measure-googles" in sys.argv:
        if reason := googles_is_there():
            print(f"Google's emulator cannot be measured: {reason}", file=sys.stderr)
            return 1
        with TemporaryDirectory() as folder:
            googles_rpcs.measure(Path(folder))
    README.write_text(asyncio.run(with_tables(README.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
