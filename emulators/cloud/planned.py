"""A plan and what follows from it: its application, and the state file for `cloudtasker`."""

import json
from dataclasses import dataclass
from typing import Any

from emulators.cloud import workspaces
from emulators.cloud.client import Client
from emulators.cloud.folder import Folder
from emulators.terraform.errors import TerraformError
from emulators.terraform.planning import Plan
from emulators.terraform.terraform import Terraform

EPHEMERAL = "ephemeral.tfvars.json"
LOCK_WAIT = "-lock-timeout=30s"  # a killed command's Terraform may take a moment to notice


@dataclass(frozen=True)
class Planned:
    """A plan that can be applied as long as its block lasts."""

    folder: Folder
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
        try:
            self.terraform.run("apply", "-no-color", LOCK_WAIT, f"-var-file={EPHEMERAL}", "plan")
        except TerraformError as error:
            _, _, errors = str(error).partition("\nError: ")
            raise TerraformError(
                f"Error: {errors or error}\n\n"
                "What was made stays and stands in the state. Fix: correct what is wrong, and "
                "do the same again: it goes on from there."
            ) from error
        if self.folder.outputs():  # after a destroy there is nothing to tell of
            self._write_state()
        used = {part["workspace"] for part in self.client.describe()["parts"].values()}
        workspaces.prune(self.folder, used | self._images())

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
        folder, now = self.folder, self.client.describe()
        outputs, parts = folder.outputs(), now["parts"]
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
