"""Processes of a deployment whose daemon was killed: a server's own children outlive it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from emulators.cloud.parts import MARK

_GONE_SECONDS = 5


def end_leftovers(folder: Path) -> int:
    """Kill what an earlier daemon of `folder` left running; return how many there were.

    Only what carries the deployment's mark in its environment is touched.
    """
    found = list(_marked(folder))
    for process in found:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=_GONE_SECONDS)
    return len(found)


def _marked(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == str(folder):
                yield process
