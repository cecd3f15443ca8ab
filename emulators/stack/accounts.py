"""Who runs Postgres: it refuses root, so root lends it an existing unprivileged account."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from emulators.stack.errors import StackError

_NAMES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An entry of the account database (initdb wants the name, the kernel the numbers)."""

    name: str
    uid: int
    gid: int

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
        if folder.stat().st_uid == self.uid:
            return
        for place, _, files in os.walk(folder):
            for name in (place, *(os.path.join(place, file) for file in files)):
                os.chown(name, self.uid, self.gid, follow_symlinks=False)


def account_for_postgres() -> Account | None:
    """The account to lend, or None when we are not root and need none.

    Raises:
        StackError: CT105, this machine has none of the usual accounts.
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
