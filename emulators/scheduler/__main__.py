"""`python -m emulators.scheduler --config FILE`: each job once at the start, then as scheduled."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from emulators.scheduler.job import Job
from emulators.scheduler.runner import Runner


def read_config(path: Path) -> Runner:
    """The runner that a file of `{"token_endpoint": url, "jobs": [...]}` describes.

    Raises:
        ValueError: the file cannot be used; the text says why.
    """
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise ValueError(f"it cannot be read: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("jobs"), list):
        raise ValueError('it must hold {"token_endpoint": url, "jobs": [...]}')
    return Runner(
        [Job.from_config(job) for job in content["jobs"]], content.get("token_endpoint", "")
    )


def main() -> int:
    """Run until SIGTERM or Ctrl-C, which end it at once; returns 2 for an unusable file."""
    # Calls under way are of no use to anybody after the end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parser = argparse.ArgumentParser(prog="python -m emulators.scheduler", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    path = parser.parse_args().config
    try:
        runner = read_config(path)
    except ValueError as error:
        print(f"{path} cannot be used: {error}", file=sys.stderr)
        return 2
    asyncio.run(runner.run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
