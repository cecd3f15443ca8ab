"""Which archive of the functions is deployed; what is none of ours is refused before anything."""

import hashlib
from pathlib import Path

from emulators.cloud.errors import DeployError


def chosen(root: Path, asked: Path | None) -> Path:
    """Return the archive that was `asked` for, else the newest in `dist/` of `root`.

    Raises: DeployError when it is not there, or not what `make package` wrote.
    """
    archive = _newest(root) if asked is None else asked
    if not archive.is_file():
        raise DeployError(
            f"the archive {archive} is not there. Nothing was changed.\n"
            "Fix: make package, and name what it printed."
        )
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if archive.name != f"cloudtasker-{digest}.zip":
        raise DeployError(
            f"the archive {archive} is damaged, or none that `make package` made: of its content "
            f"it would be cloudtasker-{digest}.zip. Nothing was changed.\n"
            "Fix: make package, and name what it printed."
        )
    return archive.resolve()


def _newest(root: Path) -> Path:
    made = sorted(root.glob("dist/cloudtasker-*.zip"), key=lambda one: one.stat().st_mtime)
    if not made:
        raise DeployError(
            f"there is no function archive in {root / 'dist'}. Nothing was changed.\n"
            "Fix: make package, or name one with --archive."
        )
    return made[-1]
