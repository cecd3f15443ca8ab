"""What a plan creates, by the short addresses that inventories use."""

from dataclasses import replace

from emulators.terraform.planning import Plan
from shared.cli import plan_file
from shared.cli.plan_file import Resource, strings

__all__ = ["Resource", "resources", "strings"]


def resources(plan: Plan, kind: str = "") -> list[Resource]:
    """Return the resources whose type begins with `kind`, or all."""
    return [
        replace(found, address=found.address.removeprefix("module.cloudtasker."))
        for found in plan_file.resources(plan.json)
        if found.type.startswith(kind)
    ]
