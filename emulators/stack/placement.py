"""Decide who runs Postgres and from where: it must work as root and below closed folders too."""

from dataclasses import dataclass
from pathlib import Path

from emulators.stack.accounts import Identity, RenamedRoot, account_for_postgres
from emulators.stack.relocation import reachable_binaries, reachable_data


@dataclass(frozen=True)
class Placement:
    """The folders of the binaries and of the data, and who uses them (None: the caller)."""

    binaries: Path
    data: Path
    identity: Identity | None


def place(binaries: Path, data: Path) -> Placement:
    """The first way that works here.

    Not root: directly. Root: as another account that reaches everything; as root under another
    name; as another account with everything moved to where it reaches it.

    Raises:
        StackError: CT105, root has no account to lend.
    """
    account = account_for_postgres()
    if account is None:
        return Placement(binaries, data, None)
    if not data.is_symlink():  # moved by an earlier run, and it stays so
        if account.may_enter(binaries) and account.may_enter(data.parent):
            return Placement(binaries, data, account)
        root = RenamedRoot(account)
        if root.works(binaries / "postgres", data.parent):
            return Placement(binaries, data, root)
    return Placement(reachable_binaries(binaries, account), reachable_data(data, account), account)
