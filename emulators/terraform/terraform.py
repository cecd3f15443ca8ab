"""Runs the real Terraform on a copy of a folder, so that nothing is left in the tree."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emulators.terraform.errors import TerraformError

LEAST_VERSION = (1, 11)
LOCAL_BACKEND = 'terraform {\n  backend "local" {}\n}\n'


class Terraform:
    """Terraform in one folder, with one environment."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TF_")},
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": os.devnull,
            "TF_IN_AUTOMATION": "1",
            **environment,
        }

    def run(
        self, *arguments: str, allowed: Sequence[int] = (0,)
    ) -> subprocess.CompletedProcess[str]:
        """Return how a command ended. Raises: TerraformError with what it said."""
        ended = subprocess.run(  # noqa: S603
            [executable(), *arguments],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode not in allowed:
            said = (ended.stdout + ended.stderr).strip()
            raise TerraformError(f"terraform {arguments[0]} failed:\n{said}")
        return ended

    def json(self, *arguments: str) -> Any:
        """Return what a command prints as JSON."""
        return json.loads(self.run(*arguments).stdout)


def executable() -> str:
    """Return Terraform's path. Raises: TerraformError when there is none, or one too old."""
    found = shutil.which("terraform")
    wanted = ".".join(map(str, LEAST_VERSION))
    if found is None:
        raise TerraformError(
            f"terraform is not on PATH. Nothing was planned. Install version {wanted} or later."
        )
    version = _version(found)
    if version < LEAST_VERSION:
        raise TerraformError(
            f"{found} is version {'.'.join(map(str, version))}, and {wanted} is the least that "
            "knows write-only arguments. Nothing was planned. Install a later one."
        )
    return found


def _version(path: str) -> tuple[int, ...]:
    said = subprocess.run(  # noqa: S603
        [path, "version"],
        env={**os.environ, "CHECKPOINT_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    match = re.match(r"Terraform v(\d+)\.(\d+)", said)
    if match is None:
        raise TerraformError(
            f"{path} does not say which version of Terraform it is: {said[:200]!r}"
        )
    return int(match[1]), int(match[2])


@contextmanager
def copy_of(root: Path, into: Path | None = None) -> Iterator[Path]:
    """Yield a temporary folder with `infra` and the task types of `root`; state is kept in it.

    It is made in `into`, else where the system's are.
    """
    with tempfile.TemporaryDirectory(prefix="infra-", dir=into) as folder:
        copied = Path(folder)
        ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*")
        shutil.copytree(root / "infra", copied / "infra", ignore=ignored)
        for file in _read_by_terraform(root / "functions"):
            target = copied / "functions" / file.parent.name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        for environment in (copied / "infra" / "environments").iterdir():
            (environment / "backend_override.tf").write_text(LOCAL_BACKEND)
        yield copied


def _read_by_terraform(functions: Path) -> Iterator[Path]:
    """Yield what is read of the functions: their limits, and that a payload model is there."""
    for file in functions.glob("*/task.yaml"):
        yield file
        if (model := file.with_name("payload.py")).exists():
            yield model
