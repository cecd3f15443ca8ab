"""The folder of one deployment: what stands where in it. Closed to everybody else."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from emulators.cloud.errors import DeployError
from emulators.stack.relocation import forget_data


@dataclass(frozen=True)
class Folder:
    """Paths below one deployment's folder, and how files come there: whole, for one reader."""

    path: Path

    def make(self) -> None:
        """Make the folder, mode 0700; one that is there stays."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in ("parts", "buckets", "grants"):
            (self.path / part).mkdir(exist_ok=True, mode=0o700)

    @property
    def state(self) -> Path:
        """Terraform's own state."""
        return self.path / "terraform.tfstate"

    @property
    def log(self) -> Path:
        """What the parts print, a JSON object a line."""
        return self.path / "deployment.log"

    @property
    def authority(self) -> Path:
        """The certificate that the API's own is signed by."""
        return self.path / "ca.pem"

    @property
    def postgres(self) -> Path:
        """The database's cluster."""
        return self.path / "postgres"

    def scratch(self) -> Path:
        """Return an empty folder for one run of Terraform: what a killed one left is gone."""
        place = self.path / "scratch"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o700)
        return place

    def part(self, name: str) -> Path:
        """What a part of this name shall be."""
        return self.path / "parts" / f"{name}.json"

    def bucket(self, name: str) -> Path:
        """The folder of a bucket's objects."""
        return self.path / "buckets" / name

    def workspace(self, name: str) -> Path:
        """An unpacked archive, or an image's content."""
        return self.path / "workspaces" / name

    def secret(self, name: str) -> Path:
        """The folder of a secret's versions."""
        return self.path / "secrets" / name

    def password(self, user: str) -> Path:
        """A database user's password."""
        return self.path / "passwords" / quote(user, safe="@.-")

    def latest_secret(self, name: str) -> str | None:
        """Return the value of a secret's newest version, None if there is none."""
        versions = sorted(self.secret(name).glob("*"), key=lambda file: int(file.name))
        return versions[-1].read_text() if versions else None

    def outputs(self) -> dict[str, Any]:
        """Return what Terraform's outputs are, from the state."""
        state = self.read(self.state) or {}
        return {name: given["value"] for name, given in state.get("outputs", {}).items()}

    def read(self, file: Path) -> Any:
        """Return what a JSON file holds, None if it is not there or empty, as a kill leaves it.

        Raises: DeployError when it holds something else.
        """
        content = file.read_bytes() if file.exists() else b""
        try:
            return json.loads(content) if content.strip() else None
        except ValueError as error:
            raise DeployError(
                f"{file} is damaged: {error}. Nothing was changed.\n"
                f"Fix: put a good copy in its place (Terraform keeps one as {file.name}.backup)."
            ) from error

    def write(self, file: Path, content: str) -> None:
        """Replace a file in one step; only its owner may read it, for it may hold a secret."""
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = file.with_name(f".{file.name}.new")
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(content)
        new.replace(file)

    def remove(self) -> None:
        """Remove the folder, and a database that stands elsewhere for root's sake."""
        forget_data(self.postgres)
        shutil.rmtree(self.path, ignore_errors=True)
