"""How task types look to a person: a line each, or one with the fields of its payload."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from shared.cli.listing import Listing
from shared.cli.task_view import json_text, plain_grid
from shared.cli.words import plain
from shared.client import TaskTypeJson


def task_type_table(types: Sequence[TaskTypeJson]) -> Listing:
    """A line a type."""
    table = Listing("TYPE", "ATTEMPTS", "TIME LIMIT", "RETRY", "DESCRIPTION")
    for one in types:
        limits = one["limits"]
        table.add_row(
            one["name"],
            str(limits["max_attempts"]),
            f"{limits['time_limit_seconds']} s",
            _retry(limits["retry"]),
            Text(plain(one["description"])),
        )
    return table


def task_type_details(one: TaskTypeJson) -> Group:
    """The limits, then the payload's fields, then an example to copy."""
    limits = plain_grid()
    limits.add_row("type", one["name"])
    limits.add_row("about", Text(plain(one["description"])))
    for name, value in one["limits"].items():
        if name not in ("description", "labels"):
            limits.add_row(name, _retry(value) if name == "retry" else _limit(value))
    if one.get("example") is not None:
        limits.add_row("example", json_text(one.get("example")))
    return Group(limits, "", _field_table(one["payload_schema"]))


def _retry(retry: Mapping[str, Any]) -> str:
    return f"{retry['by']}, {retry['min_seconds']:g} to {retry['max_seconds']:g} s"


def _limit(value: Any) -> str:
    """A limit in words; only those that nobody has set are null."""
    if value is None:
        return "no limit"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _field_table(schema: Mapping[str, Any]) -> Listing:
    table = Listing("FIELD", "NEEDED", "KIND", "MEANING")
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        meaning = Text(plain(field.get("description", "")))
        needed = "yes" if name in required else f"no ({json.dumps(field.get('default'))})"
        table.add_row(name, needed, ", ".join(_kinds(field)), meaning)
    return table


def _kinds(field: Mapping[str, Any]) -> Iterator[str]:
    """The JSON types that a field may have, in the schema's own words."""
    for choice in field.get("anyOf", [field]):
        kind = choice.get("format") or choice.get("type") or choice.get("$ref", "any")
        yield str(kind).rsplit("/", 1)[-1]
