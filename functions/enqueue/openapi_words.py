"""The words of OpenAPI that the descriptions of routes are made of. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from shared.domain.api_key import Scope
from shared.domain.blob import MAX_LARGE_BODY_BYTES
from shared.domain.requests import DEFAULT_PAGE, MAX_BODY_BYTES, MAX_PAGE

BODY_PROBLEMS: Final = (400, 408, 413, 415)
TEXT: Final = {"type": "string"}
TIME: Final = {"type": "string", "format": "date-time"}
PAGE_SIZE: Final = {
    "type": "integer",
    "minimum": 1,
    "maximum": MAX_PAGE,
    "default": DEFAULT_PAGE,
}

Operation = dict[str, Any]


def operation(
    summary: str,
    answers: dict[str, Any],
    *,
    problems: Sequence[int] = (),
    parameters: Sequence[dict[str, Any]] = (),
    body: dict[str, Any] | None = None,
    scope: Scope | None = None,
    open: bool = False,
) -> Operation:
    statuses = sorted({*problems, 500, *(() if open else (401,)), *((403,) if scope else ())})
    said = {str(s): {"$ref": f"#/components/responses/Problem{s}"} for s in statuses}
    operation: Operation = {"summary": summary, "responses": {**answers, **said}}
    if open:
        operation["security"] = []
    if scope:
        operation["description"] = f"Needs the scope `{scope.value}`."
    if parameters:
        operation["parameters"] = list(parameters)
    if body:
        operation["requestBody"] = body
    return operation


def ok(description: str, schema: str, status: str = "200") -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {status: {"description": description, "content": content}}


def plain(description: str, media_type: str) -> dict[str, Any]:
    kind = "object" if media_type == "application/json" else "string"
    return {"description": description, "content": {media_type: {"schema": {"type": kind}}}}


def body(schema: str, examples: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    if examples:
        content["examples"] = examples
    return {
        "required": True,
        "description": f"UTF-8, at most {MAX_BODY_BYTES:,} bytes "
        f"({MAX_LARGE_BODY_BYTES:,} for one task where there is a blob store), not compressed.",
        "content": {"application/json": content},
    }


def parameter(name: str, place: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": schema}
