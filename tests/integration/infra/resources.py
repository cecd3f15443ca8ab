"""What a plan creates, in the words that inventories and policies use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulators.terraform.planning import Plan


@dataclass(frozen=True, slots=True)
class Resource:
    """One planned resource. `after` lacks what is known after apply; `references` are addresses."""

    address: str
    type: str
    key: str | None
    after: Mapping[str, Any]


def resources(plan: Plan, kind: str = "") -> list[Resource]:
    """Return the resources of a type, or all."""
    return [
        Resource(
            change["address"].replace("module.cloudtasker.", "", 1),
            change["type"],
            change.get("index"),
            change["change"]["after"] or {},
        )
        for change in plan.json["resource_changes"]
        if change["mode"] == "managed" and change["type"].startswith(kind)
    ]


def strings(value: Any) -> Iterator[str]:
    """Yield every string in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
