"""The folder that holds an emulator's state: made, locked for one process, its files named."""

import fcntl
import os
from pathlib import Path

from emulators.pubsub.errors import StoreError


class DataFolder:
    """A locked data folder; the lock ends with the process, however that ends."""

    def __init__(self, path: Path) -> None:
        self.database = path / "pubsub.sqlite3"
        self.key_file = path / "signing-key.pem"
        self._lock = _locked(path)

    def close(self) -> None:
        """Let the next process have the folder."""
        os.close(self._lock)


def _locked(path: Path) -> int:
    lock = path / "lock"
    try:
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            f"data folder {path} cannot be written ({error.strerror}): "
            "choose another with --data-dir, or --durability memory"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreError(
            f"data folder {path} is in use by process {holder}: "
            "stop it, or choose another with --data-dir"
        ) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor
