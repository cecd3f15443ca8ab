"""What the routes of groups take and answer, in OpenAPI's words. Data and nothing else."""

from typing import Any

from functions.enqueue.openapi_words import (
    BODY_PROBLEMS,
    TEXT,
    Operation,
    body,
    ok,
    operation,
    parameter,
)
from shared.domain.api_key import Scope


def group_operations(examples: dict[str, Any]) -> dict[str, dict[str, Operation]]:
    """The paths; `examples` are bodies that `POST /enqueue-task` accepts."""
    members = [one["value"] for one in examples.values()]
    shown = {"all": {"value": {"tasks": members, "then": members[0]}}} if members else {}
    group_id = {**parameter("group_id", "path", {**TEXT, "format": "uuid"}), "required": True}
    accepted = ok("Stored; all will be run.", "StartedGroupJson", "202")
    location = {"description": "The group.", "required": True, "schema": TEXT}
    accepted["202"]["headers"] = {"Location": location}
    return {
        "/groups": {
            "post": operation(
                "Accept up to 1,000 tasks, and what follows when all have ended; all or nothing",
                accepted,
                problems=(*BODY_PROBLEMS, 409, 503),
                scope=Scope.ENQUEUE,
                body=body("GroupRequest", shown),
            )
        },
        "/groups/{group_id}": {
            "get": operation(
                "Read how a group stands",
                ok("Its counts.", "GroupJson"),
                problems=(404, 503),
                scope=Scope.READ,
                parameters=[group_id],
            )
        },
    }
