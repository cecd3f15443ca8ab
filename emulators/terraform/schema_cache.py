"""The providers' schemas on this machine: taken once from the package index, kept as JSON."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from emulators.terraform.bindings import write_schema
from emulators.terraform.errors import TerraformError

HERE = Path(__file__).parent
PINS = HERE / "bindings.txt"
PROVIDERS = ("google", "google-beta")
VERSION = "6.50.0"
EXTRACTION = 1  # raise it when `bindings` reads more, so that what is kept is read anew


def schemas(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return the schema of each provider, fetched if it is not kept yet (100 MB, once).

    Raises: TerraformError when the package index cannot be reached.
    """
    folder = folder or _default_folder()
    files = {name: folder / f"{name}-{VERSION}.{EXTRACTION}.json" for name in PROVIDERS}
    if not all(file.exists() for file in files.values()):
        _fetch(files)
    return {name: json.loads(file.read_bytes()) for name, file in files.items()}


def _default_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "cloudtasker", "terraform")


def _fetch(files: dict[str, Path]) -> None:
    print(f"reading the schema of Google's providers {VERSION}, once", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="bindings-") as folder:
        _download(Path(folder))
        for name, file in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            (wheel,) = Path(folder).glob(f"cdktf_cdktf_provider_{name.replace('-', '_')}-*.whl")
            write_schema(wheel, file)


def _download(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--disable-pip-version-check", "--requirement", str(PINS), "--dest", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode:
        raise TerraformError(
            "the schema of Google's providers could not be fetched from the package index:\n"
            f"{ended.stderr.strip()[-1000:]}\n"
            "Nothing was planned. It is needed once; with network access run `make plan` again."
        )
