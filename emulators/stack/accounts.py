"""Who runs Postgres: it refuses root, so root lends it another identity, or hides behind one."""

import ctypes
import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulators.stack.errors import StackError

_NAMES = ("postgres", "nobody")
_CLONE_NEWUSER = 0x10000000


@dataclass(frozen=True)
class Account:
    """An existing unprivileged account (initdb wants the name, the kernel the numbers)."""

    name: str
    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        """What `subprocess` needs to run something as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def before_exec(self) -> Callable[[], None]:
        """What the child does before it becomes the program: nothing more."""
        return lambda: None

    def may_enter(self, path: Path) -> bool:
        """Whether every folder from the root down to `path` lets this account through."""
        return all(self._may_search(folder.stat()) for folder in [*path.parents, path])

    def _may_search(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)

    def own(self, folder: Path) -> None:
        """Give `folder` and everything in it to this account, when it is not so already."""
        _give(folder, self.uid, self.gid)


@dataclass(frozen=True)
class RenamedRoot:
    """Root itself, seen as `account` by the program: a user namespace with one mapped id.

    Files stay root's, so it works below folders that only root may enter; containers often
    forbid it.
    """

    account: Account

    def popen_arguments(self) -> dict[str, Any]:
        """Nothing changes outside the namespace."""
        return {}

    def before_exec(self) -> Callable[[], None]:
        """Enter the namespace; everything that allocates happens here, before the fork."""
        unshare = ctypes.CDLL(None).unshare
        maps = {
            "/proc/self/setgroups": b"deny",
            "/proc/self/uid_map": b"%d 0 1" % self.account.uid,
            "/proc/self/gid_map": b"%d 0 1" % self.account.gid,
        }

        def enter() -> None:
            if unshare(_CLONE_NEWUSER) != 0:
                raise PermissionError("user namespaces are not allowed here")
            for path, content in maps.items():
                descriptor = os.open(path, os.O_WRONLY)
                os.write(descriptor, content)
                os.close(descriptor)

        return enter

    def works(self, binary: Path, folder: Path) -> bool:
        """Whether `binary` runs so, and may enter `folder`."""
        if sys.platform != "linux":
            return False
        enter = self.before_exec()

        def prepare() -> None:
            enter()
            os.chdir(folder)

        try:
            done = subprocess.run(  # noqa: S603  our own binary
                [binary, "--version"], preexec_fn=prepare, capture_output=True, check=False
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0

    def own(self, folder: Path) -> None:
        """Take `folder` and everything in it back to root."""
        _give(folder, 0, 0)


Identity = Account | RenamedRoot


def _give(folder: Path, uid: int, gid: int) -> None:
    """The folder itself last: only once all within it is given does it look so."""
    if folder.stat().st_uid == uid:
        return
    for place, _, files in os.walk(folder, topdown=False):
        for name in (*(os.path.join(place, file) for file in files), place):
            os.chown(name, uid, gid, follow_symlinks=False)


def account_for_postgres() -> Account | None:
    """The account that root lends to Postgres, or None when we are not root and need none.

    Raises:
        StackError: CT105, this machine has none of the usual ones.
    """
    if os.geteuid() != 0:
        return None
    for name in _NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise StackError(
        "CT105",
        "PostgreSQL does not run as root, and there is no account to run it as.",
        f"Looked for the accounts {' and '.join(_NAMES)}. Nothing was changed.",
        fix="run cloudtasker dev as a normal user, or set CLOUDTASKER_DATABASE_URL.",
    )
