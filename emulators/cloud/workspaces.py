"""What workloads run from: an unpacked archive, and an image's content. Knows files only."""

import hashlib
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from emulators.cloud.folder import Folder

GATEWAY = "grpc_gateway"


def unpack(archive: Path, folder: Folder) -> Path:
    """Return the folder with the archive's content; what was unpacked before stays."""
    place = folder.workspace(archive.stem)
    if not place.exists():
        partial = _empty(place)
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(partial)
        partial.rename(place)
    return place


def gateway_image(archive: Path, root: Path, folder: Folder) -> str:
    """Make the gateway's image, the archive's content with the gateway beside; return its digest.

    Images are named by their content, as in a registry: the same sources are the same image.
    """
    digest = hashlib.sha256(archive.name.encode())
    files = sorted(_sources(root / GATEWAY))
    for file in files:
        digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    place = folder.workspace(f"image-{digest.hexdigest()}")
    if not place.exists():
        partial = _empty(place)
        shutil.copytree(unpack(archive, folder), partial, dirs_exist_ok=True)
        for file in files:
            target = partial / file.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        partial.rename(place)
    return digest.hexdigest()


def prune(folder: Folder, used: set[str]) -> None:
    """Remove the workspaces that nothing runs from any more."""
    for place in folder.workspace("").glob("*"):
        if place.name not in used:
            shutil.rmtree(place)


def _empty(place: Path) -> Path:
    partial = place.with_name(f".{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    return partial


def _sources(package: Path) -> Iterator[Path]:
    return (file for file in package.rglob("*.py") if "__pycache__" not in file.parts)
