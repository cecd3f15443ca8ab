"""One environment on this machine: what the commands do, without a word to the user."""

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from emulators.cloud import workspaces
from emulators.cloud.archive import chosen
from emulators.cloud.client import Client, started, stopped
from emulators.cloud.errors import DeployError
from emulators.cloud.folder import Folder
from emulators.cloud.local_cloud import ENDPOINT, LocalCloud
from emulators.cloud.planned import EPHEMERAL, LOCK_WAIT, Planned
from emulators.stack.ports import HOST, holder
from emulators.terraform.planning import Plan, providers, types_in
from emulators.terraform.provider import ImaginedCloud
from emulators.terraform.terraform import Terraform, copy_of, executable

_PROVIDERS = ("google", "google-beta")
_GIVEN = "local.tfvars.json"


@dataclass(frozen=True)
class Deployment:
    """An environment of the checkout `root`, deployed to `folder`.

    `archive` None: the newest of `dist/`. `variables`: the user's own file, over the example's.
    """

    root: Path
    environment: str
    folder: Folder
    archive: Path | None = None
    variables: Path | None = None
    api_port: int = 0

    @property
    def exists(self) -> bool:
        """Whether something is deployed, or half deployed."""
        return self.folder.path.exists()

    @contextmanager
    def planned(self, *, destroy: bool = False) -> Iterator[Planned]:
        """Yield the plan of what would change; `Planned.apply` does it.

        Raises: DeployError, or TerraformError with what Terraform found wrong.
        """
        executable()  # before anything is started
        archive = chosen(self.root, self.archive)
        self._check_port()
        self.folder.make()
        with self._alone():
            client = started(self.folder)
            cloud = LocalCloud(self.folder, client, self._asked_port(client))
            into = self.folder.scratch()
            with providers(cloud, self._types()) as found, copy_of(self.root, into) as copied:
                terraform = self._prepared(copied, found, client.describe()["pubsub_http"])
                given = self._given(archive, self.folder, client.describe()["smtp"])
                _write_variables(terraform.folder, given)
                yield Planned(
                    self.folder, terraform, client, self._plan(terraform, destroy=destroy)
                )

    def planned_from_nothing(self) -> Plan:
        """Return the plan of a deployment that is not there yet; starts nothing."""
        archive = chosen(self.root, self.archive)
        with (
            TemporaryDirectory() as scratch,
            providers(ImaginedCloud(), self._types()) as found,
            copy_of(self.root) as copied,
        ):
            terraform = self._prepared(copied, found, "")
            _write_variables(terraform.folder, self._given(archive, Folder(Path(scratch)), ""))
            terraform.run("plan", "-no-color", "-out=plan", *self.variable_files())
            return Plan(self.environment, terraform.json("show", "-json", "plan"))

    def _plan(self, terraform: Terraform, *, destroy: bool) -> Plan:
        how = ["-destroy"] if destroy else []
        files = self.variable_files()
        terraform.run("plan", "-no-color", "-out=plan", LOCK_WAIT, *how, *files)
        return Plan(self.environment, terraform.json("show", "-json", "plan"))

    def remove(self) -> None:
        """End everything that is left, and remove the folder."""
        stopped(self.folder)
        self.folder.remove()

    def _types(self) -> set[str]:
        """Return the types that the provider is asked for, those of an older state among them."""
        state = self.folder.read(self.folder.state) or {}
        kept = {resource["type"] for resource in state.get("resources", [])}
        return kept | types_in(self.root / "infra")

    def _check_port(self) -> None:
        """Raises: DeployError when the port of an API that is not there yet is taken."""
        if not self.api_port or self.exists:
            return
        try:
            with socket.create_server((HOST, self.api_port)):
                return
        except OSError as taken:
            raise DeployError(
                f"port {self.api_port}, which --api-port asks for, is in use by "
                f"{holder(self.api_port)} ({taken.strerror}). Nothing was started.\n"
                f"Fix: --api-port {self.api_port + 1}, or stop that program."
            ) from taken

    def _asked_port(self, client: Client) -> int:
        """Return the port that the API shall have. Raises: DeployError when it has another."""
        has = [one["port"] for one in client.describe()["parts"].values() if one["kind"] == "api"]
        if has and self.api_port and has != [self.api_port]:
            raise DeployError(
                f"the API is on port {has[0]} since it was made, and its address stands in the "
                "state. Nothing was changed.\nFix: destroy first, then apply with --api-port."
            )
        return has[0] if has else self.api_port

    def _prepared(self, copied: Path, found: Mapping[str, str], pubsub: str) -> Terraform:
        """Return Terraform in the environment, its state and its Pub/Sub on this machine."""
        folder = copied / "infra" / "environments" / self.environment
        state = json.dumps(str(self.folder.state))
        (folder / "backend_override.tf").write_text(
            f'terraform {{\n  backend "local" {{\n    path = {state}\n  }}\n}}\n'
            if self.exists
            else 'terraform {\n  backend "local" {}\n}\n'
        )
        endpoint = json.dumps(f"{pubsub}/v1/")
        (folder / "local_override.tf").write_text(
            "".join(f'provider "{name}" {{\n  {ENDPOINT} = {endpoint}\n}}\n' for name in _PROVIDERS)
        )
        terraform = Terraform(folder, found)
        terraform.run("init", "-no-color")
        return terraform

    def _given(self, archive: Path, folder: Folder, smtp: str) -> dict[str, Mapping[str, str]]:
        """Return the variables that this machine decides, by the file that they are written to.

        Images are named by their content: the functions' is the archive, for it has the same.
        """
        functions = workspaces.unpack(archive, folder).name.removeprefix("cloudtasker-")
        gateway = workspaces.gateway_image(archive, self.root, folder)
        return {
            _GIVEN: {
                "archive": str(archive),
                "functions_image": f"localhost/functions@sha256:{functions}",
                "gateway_image": f"localhost/grpc-gateway@sha256:{gateway}",
            },
            EPHEMERAL: {
                "migrate_password": _kept_secret(folder, "migrate_password"),
                "webhook_secret": _kept_secret(folder, "webhook_secret"),
                "smtp_url": smtp or "smtp://127.0.0.1:25",
            },
        }

    def variable_files(self) -> list[str]:
        """Return the arguments that give the variables their values, the last ones win."""
        own = [str(self.variables.resolve())] if self.variables else []
        return [f"-var-file={file}" for file in ("example.tfvars", *own, _GIVEN, EPHEMERAL)]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One command at a time. Raises: DeployError when another works on the same folder."""
        descriptor = os.open(self.folder.path / "command.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor, self.folder)
            yield
        finally:
            os.close(descriptor)


def _lock(descriptor: int, folder: Folder) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DeployError(
            f"another command works on {folder.path}. Nothing was changed.\n"
            "Fix: wait until it has ended."
        ) from error


def _write_variables(folder: Path, given: Mapping[str, Mapping[str, str]]) -> None:
    for name, content in given.items():
        file = folder / name
        file.touch(mode=0o600)
        file.write_text(json.dumps(content))


def _kept_secret(folder: Folder, name: str) -> str:
    """Return a value that is made up once for a deployment."""
    file = folder.path / "variables" / name
    if not file.exists():
        folder.write(file, secrets.token_urlsafe(24))
    return file.read_text()
