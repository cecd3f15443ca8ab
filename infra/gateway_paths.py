"""Writes what API Gateway lets through to the API: `make gateway-paths`.

The gateway knows paths and who may call; bodies and answers are the API's own affair.
"""

import re
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from functions.enqueue.operations import operations

TARGET: Final = Path(__file__).parent / "modules" / "edge" / "paths.yaml"
NOT_FROM_OUTSIDE: Final = frozenset({"/ready", "/metrics"})
"""What asks the database, or tells what a process counted."""
OPEN: Final = frozenset({"/health"})
"""For checks from outside: it asks neither database nor broker."""
HEAD: Final = "# Made by `make gateway-paths` from functions/enqueue/operations.py; do not edit.\n"


def document() -> str:
    """Return the paths of the gateway's OpenAPI 2.0 document, as YAML."""
    paths = {
        path: {verb: _operation(path, verb, said) for verb, said in verbs.items()}
        for path, verbs in operations({}).items()
        if path not in NOT_FROM_OUTSIDE
    }
    return HEAD + yaml.safe_dump(paths, sort_keys=False, width=100)


def _operation(path: str, verb: str, said: Any) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"in": "path", "name": name, "required": True, "type": "string"}
        for name in re.findall(r"{(\w+)}", path)
    ]
    if "requestBody" in said:
        needed = bool(said["requestBody"].get("required"))
        schema = {"type": "object"}
        parameters.append({"in": "body", "name": "body", "required": needed, "schema": schema})
    return {
        "operationId": "_".join([verb, *re.findall(r"\w+", path)]),
        "summary": said["summary"],
        **({"parameters": parameters} if parameters else {}),
        **({"security": []} if path in OPEN else {}),
        "responses": {"default": {"description": "What the API answers."}},
    }


def main() -> int:
    """Write the file; say which."""
    TARGET.write_text(document())
    print(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
