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
from typing import Any

from emulators.cloud import workspaces
from emulators.cloud.archive import chosen
from emulators.cloud.client import Client, started, stopped
from emulators.cloud.errors import DeployError
from emulators.cloud.folder import Folder
from emulators.cloud.local_cloud import ENDPOINT, LocalCloud
from emulators.stack.ports import HOST, holder
from emulators.terraform.errors import TerraformError
from emulators.terraform.planning import Plan, providers, types_in
from emulators.terraform.provider import ImaginedCloud
from emulators.terraform.terraform import Terraform, copy_of, executable

_PROVIDERS = ("google", "google-beta")
_GIVEN = "local.tfvars.json"
_EPHEMERAL = "ephemeral.tfvars.json"
_LOCK_SECONDS = "30s"  # a killed command's Terraform may take a moment to notice


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
    def planned(self, *, destroy: bool = False) -> Iterator["Planned"]:
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
                yield _plan(self, terraform, client, destroy=destroy)

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

    def remove(self) -> None:
        """End everything that is left, and remove the folder."""
        stopped(self.folder)
        self.folder.remove()

    def outputs(self) -> dict[str, Any]:
        """Return what Terraform's outputs are, from the state."""
        state = self.folder.read(self.folder.state) or {}
        return {name: given["value"] for name, given in state.get("outputs", {}).items()}

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
            _EPHEMERAL: {
                "migrate_password": _kept_secret(folder, "migrate_password"),
                "webhook_secret": _kept_secret(folder, "webhook_secret"),
                "smtp_url": smtp or "smtp://127.0.0.1:25",
            },
        }

    def variable_files(self) -> list[str]:
        """Return the arguments that give the variables their values, the last ones win."""
        own = [str(self.variables.resolve())] if self.variables else []
        return [f"-var-file={file}" for file in ("example.tfvars", *own, _GIVEN, _EPHEMERAL)]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One command at a time. Raises: DeployError when another works on the same folder."""
        descriptor = os.open(self.folder.path / "command.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor, self.folder)
            yield
        finally:
            os.close(descriptor)


@dataclass(frozen=True)
class Planned:
    """A plan that can be applied as long as its block lasts."""

    deployment: Deployment
    terraform: Terraform
    client: Client
    plan: Plan

    def changes(self) -> list[tuple[str, str]]:
        """Return what is done to what: ("create", "module.x.google_y.z"), by address."""
        return [
            ("replace" if len(actions) == 2 else actions[0], change["address"])
            for change in self.plan.json.get("resource_changes", [])
            if (actions := change["change"]["actions"]) not in (["no-op"], ["read"])
        ]

    def apply(self) -> None:
        """Do it. Raises: TerraformError; what was made stays, and applying again goes on."""
        wait = f"-lock-timeout={_LOCK_SECONDS}"
        try:
            self.terraform.run("apply", "-no-color", wait, f"-var-file={_EPHEMERAL}", "plan")
        except TerraformError as error:
            _, _, errors = str(error).partition("\nError: ")
            raise TerraformError(
                f"Error: {errors or error}\n\n"
                "What was made stays and stands in the state. Fix: correct what is wrong, and "
                "do the same again: it goes on from there."
            ) from error
        if self.deployment.outputs():  # after a destroy there is nothing to tell of
            self._write_state()
        used = {part["workspace"] for part in self.client.describe()["parts"].values()}
        workspaces.prune(self.deployment.folder, used | self._images())

    def _images(self) -> set[str]:
        """Return the workspaces that the plan's images are."""
        variables = self.plan.json["variables"]
        names = {
            "functions_image": "cloudtasker-",
            "gateway_image": "image-",
        }
        return {
            start + variables[name]["value"].rpartition("@sha256:")[2]
            for name, start in names.items()
        }

    def _write_state(self) -> None:
        """Write where all is, as `cloudtasker dev` does, so that `cloudtasker` finds it."""
        folder, now = self.deployment.folder, self.client.describe()
        outputs, parts = self.deployment.outputs(), now["parts"]
        password = folder.password("migrate")
        database = f":{password.read_text()}" if password.exists() else ""
        content: dict[str, Any] = {
            "rest": outputs.get("api_url", ""),
            "grpc": outputs.get("grpc_url", "").removeprefix("http://"),
            "pubsub": now["pubsub"],
            "pubsub_http": now["pubsub_http"],
            "mail": now["mail"],
            "postgres": f"postgresql+pg8000://migrate{database}@127.0.0.1:"
            f"{parts.get('postgres', {}).get('port', 0)}/cloudtasker",
            "redis": f"redis://127.0.0.1:{parts.get('redis', {}).get('port', 0)}/0",
            "push_service_account": "",
            "functions": {
                name: f"http://127.0.0.1:{part['port']}"
                for name, part in parts.items()
                if part["is_function"]
            },
            "pids": {"stack": now["pid"], **{name: one["pid"] for name, one in parts.items()}},
        }
        folder.write(folder.path / "state.json", json.dumps(content, indent=2))


def _lock(descriptor: int, folder: Folder) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DeployError(
            f"another command works on {folder.path}. Nothing was changed.\n"
            "Fix: wait until it has ended."
        ) from error


def _plan(
    deployment: Deployment, terraform: Terraform, client: Client, *, destroy: bool
) -> Planned:
    how = ["-destroy"] if destroy else []
    wait = f"-lock-timeout={_LOCK_SECONDS}"
    files = deployment.variable_files()
    terraform.run("plan", "-no-color", "-out=plan", wait, *how, *files)
    plan = Plan(deployment.environment, terraform.json("show", "-json", "plan"))
    return Planned(deployment, terraform, client, plan)


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
