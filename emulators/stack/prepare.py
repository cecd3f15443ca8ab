"""The data folder before anything starts: make it, lock it, clear it when asked."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from emulators.stack import state
from emulators.stack.errors import StackError
from emulators.stack.lock import RunLock
from emulators.stack.relocation import forget_data
from emulators.stack.removal import finish, remove

POSTGRES, VALKEY, PUBSUB = "postgres", "valkey", "pubsub"


def prepare(data_dir: Path, *, fresh: bool, note: Callable[[str], None]) -> RunLock:
    """Take the data folder for this run.

    Raises:
        StackError: CT103, another run has it; CT105, it cannot be written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = RunLock.acquire(data_dir, datetime.now().astimezone())
        try:
            _tidy(data_dir, lock, fresh=fresh, note=note)
        except OSError:
            lock.release()
            raise
    except OSError as error:
        raise StackError(
            "CT105",
            f"The data folder {data_dir} cannot be written: {error.strerror or error}.",
            f"Its parts belong to whoever made them ({error.filename or data_dir}).",
            "Nothing was changed.",
            fix="choose another one with --data-dir, or make this one writable for you.",
        ) from error
    return lock


def _tidy(data_dir: Path, lock: RunLock, *, fresh: bool, note: Callable[[str], None]) -> None:
    if lock.stale_pid is not None:
        note(
            f"CT104 The data folder is locked by pid {lock.stale_pid}, which no longer runs it.\n"
            "Removing the stale lock and continuing."
        )
    state.remove(data_dir)
    if fresh:
        forget_data(data_dir / POSTGRES)
    for name in (VALKEY, PUBSUB):
        (remove if fresh else finish)(data_dir / name)
    probe = data_dir / "writable"
    probe.touch()
    probe.unlink()
