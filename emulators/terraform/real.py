"""Plans with Google's own providers, which know what the stand-in cannot; they take network.

No account is asked: an empty state has nothing to read, and a token that nobody gave is enough.
"""

import os
from pathlib import Path
from typing import Final

from emulators.terraform.errors import TerraformError
from emulators.terraform.planning import Plan, variables
from emulators.terraform.terraform import Terraform, copy_of

USERS_OWN: Final = ("TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR")
"""Where a machine says how it gets its providers."""
CREDENTIALS: Final = ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS")
NO_PROVIDER: Final = (
    "Failed to query available provider packages",
    "Failed to install provider",
    "Could not retrieve the list of available versions",
)


def plan_real(root: Path, environment: str, archive: Path) -> Plan:
    """Return the plan of an environment from an empty state, made by the real providers.

    Raises: TerraformError when they cannot be downloaded, or with what they found wrong.
    """
    with copy_of(root) as copied:
        terraform = Terraform(copied / "infra" / "environments" / environment, _environment())
        _fetch_providers(terraform)
        terraform.run("validate", "-no-color")
        terraform.run("plan", "-no-color", "-out=plan", *variables(archive))
        return Plan(environment, terraform.json("show", "-json", "plan"))


def newest_archive(root: Path) -> Path:
    """Return the archive that was built last. Raises: TerraformError when none was."""
    built = sorted((root / "dist").glob("cloudtasker-*.zip"), key=lambda file: file.stat().st_mtime)
    if not built:
        raise TerraformError(
            f"there is no archive in {root / 'dist'}. Nothing was planned. `make package` builds "
            "one; the real provider reads it."
        )
    return built[-1]


def _environment() -> dict[str, str]:
    own = {name: os.environ[name] for name in USERS_OWN if name in os.environ}
    if any(name in os.environ for name in CREDENTIALS):
        return own
    return {"GOOGLE_OAUTH_ACCESS_TOKEN": "dummy"} | own


def _fetch_providers(terraform: Terraform) -> None:
    try:
        terraform.run("init", "-no-color")
    except TerraformError as failed:
        if not any(said in str(failed) for said in NO_PROVIDER):
            raise
        raise TerraformError(
            f"Google's providers could not be downloaded: {_reason(str(failed))}\n"
            "Nothing was planned. Run it where Terraform's registry can be reached, or name a "
            "mirror in TF_CLI_CONFIG_FILE; `make plan` plans without any."
        ) from None


def _reason(said: str) -> str:
    """Return what Terraform says under its first error, on one line."""
    first = said.partition("Error: ")[2].partition("To see which modules")[0]
    return " ".join((first or said).split())[:500]
