"""Where a deployment keeps what it has: one folder an environment, below .cloudtasker/deploy."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from emulators.stack.relocation import forget_data


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one environment's deployment. Nothing is made by looking at it."""

    path: Path

    @property
    def state(self) -> Path:
        """Terraform's state."""
        return self.path / "terraform.tfstate"

    @property
    def daemon(self) -> Path:
        """Where the daemon listens and what it wants to hear, as JSON; only while it runs."""
        return self.path / "daemon.json"

    @property
    def parts(self) -> Path:
        """What the daemon keeps running, as JSON."""
        return self.path / "parts.json"

    @property
    def complaint(self) -> Path:
        """Why the daemon could not start."""
        return self.path / "daemon.err"

    @property
    def log(self) -> Path:
        """What all parts print."""
        return self.path / "log.jsonl"

    @property
    def bucket(self) -> Path:
        """What was uploaded."""
        return self.path / "bucket"

    @property
    def archives(self) -> Path:
        """What was uploaded, unpacked: one folder an archive."""
        return self.path / "archives"

    @property
    def secrets(self) -> Path:
        """Values of secrets, one file each; for the owner's eyes."""
        return self.path / "secrets"

    @property
    def data(self) -> Path:
        """What the servers store."""
        return self.path / "data"

    def forget(self) -> None:
        """Remove everything but Terraform's state."""
        for postgres in self.data.glob("postgres*"):
            forget_data(postgres)
        for place in (self.bucket, self.archives, self.secrets, self.data):
            shutil.rmtree(place, ignore_errors=True)
        for file in (self.daemon, self.complaint, self.parts, self.log, self.path / "lock"):
            file.unlink(missing_ok=True)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = file.with_name(f"{file.name}.new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.replace(file)
