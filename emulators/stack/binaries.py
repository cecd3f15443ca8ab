"""Which servers a stack would start here: `python -m emulators.stack.binaries` prints it as JSON.

`cloudtasker doctor` asks it, so that there is one rule of where they are.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from emulators.stack import postgres, valkey
from emulators.stack.errors import StackError


def found(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """`{"program": path}` of Postgres and Redis each, or `{"missing": why, "fix": what helps}`."""
    return {
        "postgres": _place(lambda: postgres.find_binaries(environment) / "postgres"),
        "redis": _place(lambda: valkey.find_binary(environment)),
    }


def _place(find: Callable[[], Path]) -> dict[str, str]:
    try:
        return {"program": str(find())}
    except StackError as error:
        return {"missing": " ".join([error.what, *error.facts[:1]]), "fix": error.fix}


if __name__ == "__main__":
    print(json.dumps(found(os.environ)))
