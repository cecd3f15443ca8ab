"""Plans an environment offline and says in few words what the plan has in it."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulators.terraform.provider import Cloud, ImaginedCloud, StandIn
from emulators.terraform.schema_cache import schemas
from emulators.terraform.serving import attached
from emulators.terraform.terraform import Terraform, copy_of

_TYPE = re.compile(r'^(?:resource|data) "(\w+)"', re.MULTILINE)
PLACEHOLDER = "cloudtasker-" + "0" * 64 + ".zip"


@dataclass(frozen=True, slots=True)
class Plan:
    """One environment's plan, in Terraform's own JSON."""

    environment: str
    json: Mapping[str, Any]

    def changes(self) -> Counter[str]:
        """Return how many resources are created, changed and deleted."""
        return Counter(
            action
            for change in self.json.get("resource_changes", [])
            for action in change["change"]["actions"]
            if action not in ("no-op", "read")
        )

    def types(self) -> Counter[str]:
        """Return how many resources of each type there are."""
        return Counter(change["type"] for change in self.json.get("resource_changes", []))


@contextmanager
def providers(
    cloud: Cloud | None = None, only: Collection[str] | None = None
) -> Iterator[dict[str, str]]:
    """Serve both of Google's providers; yield the environment in which Terraform finds them.

    `only` names the types that are needed: Terraform reads the schema at every start, and of all
    of Google's that takes most of a small plan's time.
    """
    cloud = cloud or ImaginedCloud()
    stand_ins = {
        f"hashicorp/{name}": StandIn(_part_of(schema, only), cloud)
        for name, schema in schemas().items()
    }
    with attached(stand_ins) as environment:
        yield environment


def types_in(infra: Path) -> set[str]:
    """Return the types of resources and data sources that a folder's files name."""
    texts = (file.read_text() for file in infra.rglob("*.tf"))
    return {name for text in texts for name in _TYPE.findall(text)}


def _part_of(schema: dict[str, Any], only: Collection[str] | None) -> dict[str, Any]:
    if only is None:
        return schema
    kinds = ("resource_schemas", "data_source_schemas")
    return schema | {
        kind: {name: one for name, one in schema[kind].items() if name in only} for kind in kinds
    }


def plan(
    root: Path, environment: str, found: Mapping[str, str], archive: Path | None = None
) -> Plan:
    """Return the plan of `infra/environments/<environment>` from an empty state.

    `found` is what `providers` yields. Raises: TerraformError with what Terraform found wrong.
    """
    with copy_of(root) as copied:
        terraform = Terraform(copied / "infra" / "environments" / environment, found)
        terraform.run("init", "-no-color")
        terraform.run("validate", "-no-color")
        terraform.run("plan", "-no-color", "-out=plan", *variables(archive))
        return Plan(environment, terraform.json("show", "-json", "plan"))


def run_tests(root: Path, found: Mapping[str, str]) -> list[str]:
    """Run Terraform's own tests, each folder that has any; return what each said in the end.

    Raises: TerraformError with what failed.
    """
    with copy_of(root) as copied:
        folders = sorted({file.parent for file in (copied / "infra").rglob("*.tftest.hcl")})
        return [_run_tests(Terraform(folder, found)) for folder in folders]


def _run_tests(terraform: Terraform) -> str:
    terraform.run("init", "-no-color")
    example = terraform.folder / "example.tfvars"
    given = (f"-var-file={example.name}",) if example.exists() else ()
    said = terraform.run("test", "-no-color", *given).stdout.strip().splitlines()[-1]
    return f"{terraform.folder.parent.name}/{terraform.folder.name}: {said}"


def variables(archive: Path | None = None) -> tuple[str, str]:
    """Return the arguments that give an environment its example values, and its archive."""
    return (
        "-var-file=example.tfvars",
        f"-var=archive={archive.resolve() if archive else PLACEHOLDER}",
    )
