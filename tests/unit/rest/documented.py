"""Holds an answer to the OpenAPI document: its status, its type and its body must stand there."""

import re
from typing import Any

import httpx
from jsonschema import Draft202012Validator

_FRAMEWORK_ONLY = ("no_such_path", "method_not_allowed")


class Documented:
    """Checks answers against one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._templates = {
            re.compile(re.sub(r"\{\w+\}", "[^/]+", path)): path for path in document["paths"]
        }

    def check(self, answer: httpx.Response) -> None:
        """Raises: AssertionError, ValidationError for an answer that the document does not name."""
        operation = self._operation(answer.request)
        if answer.request.method == "HEAD":
            return  # its body is dropped, and GET's is checked
        if operation is None:
            assert answer.json()["code"] in (*_FRAMEWORK_ONLY, "unauthenticated")
            return
        said = self._resolved(operation["responses"][str(answer.status_code)])
        if answer.status_code == 204:
            assert answer.content == b""
            return
        media_type = answer.headers["content-type"].split(";")[0]
        schema = said["content"][media_type]["schema"]
        if media_type.endswith("json"):
            self._fits(answer.json(), schema)
        for name, header in said.get("headers", {}).items():
            assert not header.get("required") or name in answer.headers

    def _operation(self, request: httpx.Request) -> dict[str, Any] | None:
        method = "get" if request.method == "HEAD" else request.method.lower()
        for pattern, path in self._templates.items():
            if pattern.fullmatch(request.url.path):
                operation: dict[str, Any] | None = self._document["paths"][path].get(method)
                return operation
        return None

    def _resolved(self, response: dict[str, Any]) -> dict[str, Any]:
        name = response.get("$ref", "").rpartition("/")[2]
        found: dict[str, Any] = self._document["components"]["responses"].get(name, response)
        return found

    def _fits(self, value: Any, schema: dict[str, Any]) -> None:
        whole = {**schema, "components": self._document["components"]}
        Draft202012Validator(whole).validate(value)
