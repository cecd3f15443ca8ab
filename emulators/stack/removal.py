"""Remove data so that a half-removed folder is never taken for a whole one."""

import shutil
from pathlib import Path


def remove(folder: Path) -> None:
    """Take a data folder, if there is one, from its place and then delete it; safe to repeat.

    Who is killed meanwhile leaves it beside its place, for `finish`.
    """
    finish(folder)
    if folder.exists():
        folder.rename(_removed(folder))
        finish(folder)


def finish(folder: Path) -> None:
    """Delete what a removal left that did not come to its end."""
    if _removed(folder).exists():
        shutil.rmtree(_removed(folder))


def _removed(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.removed")
