"""A disk that can be filled without harm: a small tmpfs, where this machine lets us mount one."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILLER = "filler"
CHUNK = 1 << 16


class CannotMount(Exception):
    """Why there is no small disk here."""


class SmallDisk:
    """What is mounted at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave no byte."""
        with (self.folder / FILLER).open("ab", buffering=0) as filler:
            for size in (CHUNK, 512):
                try:
                    while filler.write(bytes(size)) == size:
                        pass
                except OSError:  # no space left: what was wanted
                    continue

    def empty(self) -> None:
        """Give the room back."""
        (self.folder / FILLER).unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """`folder` on a disk of so many megabytes. Raises: CannotMount, with the system's words."""
    if sys.platform != "linux":
        raise CannotMount("tmpfs is Linux'")
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m,mode=0755"
    command = ["mount", "-t", "tmpfs", "-o", options, "cloudtasker-test", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CannotMount(str(error)) from error
    if done.returncode:
        raise CannotMount(done.stderr.strip())
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a process that died a moment ago may hold it yet.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
