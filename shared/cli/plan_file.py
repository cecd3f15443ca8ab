"""A plan of the infrastructure as `terraform show -json` prints it, read for its rules. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Plan = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """One planned resource. `after` lacks what is known after apply; `key` is its for_each key."""

    address: str
    type: str
    key: str | None
    after: Mapping[str, Any]


def resources(plan: Plan, kind: str = "", name: str = "") -> list[Resource]:
    """The resources that will exist, of a type and with a name in the configuration, or all.

    Raises: KeyError, TypeError when `plan` is no plan.
    """
    return [
        Resource(change["address"], change["type"], change.get("index"), change["change"]["after"])
        for change in plan["resource_changes"]
        if change["mode"] == "managed"
        and change["change"]["after"] is not None
        and kind in ("", change["type"])
        and name in ("", change["name"])
    ]


def pushes(plan: Plan) -> list[Resource]:
    """The push subscriptions."""
    return [s for s in resources(plan, "google_pubsub_subscription") if s.after.get("push_config")]


def strings(value: Any) -> Iterator[str]:
    """Every string in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
