"""Who did what, as JSON: what REST answers, and the shape that OpenAPI reads."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from shared.domain.desk_ports import AuditLine
from shared.edges.task_json import Time, time_json


class AuditLineJson(TypedDict):
    """Who did what."""

    id: int
    at: Time
    actor: Annotated[str, Field(description="key:<id>, an e-mail address, or local.")]
    action: str
    detail: dict[str, Any]


class AuditJson(TypedDict):
    """Some lines, newest first."""

    lines: list[AuditLineJson]
    next_before: Annotated[int, Field(description="Asks for those before; 0: no more.")]


def audit_line_json(line: AuditLine) -> AuditLineJson:
    """One line."""
    return {
        "id": line.id,
        "at": time_json(line.at),
        "actor": line.actor,
        "action": line.action,
        "detail": line.detail,
    }
