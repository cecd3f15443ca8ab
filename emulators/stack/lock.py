"""One run per data folder: a lock that the kernel drops when its holder dies, however it dies."""

import fcntl
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from emulators.stack.errors import StackError


@dataclass(frozen=True)
class RunLock:
    """The right to use a data folder, until `release` or the end of this process."""

    path: Path
    descriptor: int
    # Who held it and never released it: its run crashed. None after a clean end.
    stale_pid: int | None

    @classmethod
    def acquire(cls, data_dir: Path, now: datetime) -> "RunLock":
        """Take the lock of `data_dir`.

        Raises:
            StackError: CT103, another run holds it.
        """
        path = data_dir / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        written = os.pread(descriptor, 200, 0).decode(errors="replace").split()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise _already_running(data_dir, written) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {now:%H:%M}\n".encode(), 0)
        return cls(path, descriptor, int(written[0]) if written and written[0].isdigit() else None)

    def release(self) -> None:
        """Give the folder back. The file stays, empty: unlinking it would race with another run."""
        os.ftruncate(self.descriptor, 0)
        os.close(self.descriptor)


def _already_running(data_dir: Path, written: list[str]) -> StackError:
    pid, since = (*written, "unknown", "unknown")[:2]
    return StackError(
        "CT103",
        f"This project is already running (pid {pid}, since {since}).",
        f"Both would use the data folder {data_dir}. Nothing was changed.",
        fix=f"stop it with: kill {pid}, or start another one with --data-dir OTHER.",
    )
