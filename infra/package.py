"""Builds the archive that every function is deployed from: `python -m infra.package`.

The same sources make the same bytes on any machine, so the archive's name, which carries its
SHA-256, changes when and only when a function would.
"""

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("functions", "protos", "shared")
ENDINGS = (".py", ".yaml", ".typed", ".lua")
REQUIREMENTS = Path("requirements", "runtime.txt")
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the oldest time that an archive can hold


def build(into: Path, root: Path = ROOT) -> Path:
    """Write the archive of `root` to `into`; return its path, cloudtasker-<sha256>.zip."""
    content = archive_of(root)
    target = into / f"cloudtasker-{hashlib.sha256(content).hexdigest()}.zip"
    into.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(target)
    return target


def archive_of(root: Path) -> bytes:
    """Return the archive's bytes. Raises: FileNotFoundError when a part of it is not there."""
    buffer = BytesIO()
    # Stored, not deflated: compressors differ from version to version, and it is small.
    with ZipFile(buffer, "w", ZIP_STORED) as archive:
        for name, file in sorted(_files(root)):
            entry = ZipInfo(name, LONG_AGO)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield what is in the archive: its name there, and the file."""
    yield "requirements.txt", root / REQUIREMENTS
    for folder in FOLDERS:
        if not (root / folder).is_dir():
            raise FileNotFoundError(f"{root / folder} is not there: package a whole checkout")
        for file in (root / folder).rglob("*"):
            if file.suffix in ENDINGS and "__pycache__" not in file.parts:
                yield file.relative_to(root).as_posix(), file


def main(arguments: Sequence[str]) -> int:
    """Build where the command line says, and print the archive's path."""
    parser = argparse.ArgumentParser(description="Build the archive that functions deploy from.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder (%(default)s)")
    archive = build(parser.parse_args(arguments).out)
    print(f"{archive}  {archive.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
