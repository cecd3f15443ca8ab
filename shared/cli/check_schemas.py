"""Whether a payload's JSON Schema can be used: by the meta-schema, references, patterns."""

import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any


def has_meta_schema() -> bool:
    """Whether the library that knows JSON Schema's own schema is here: an extra, for 5 MB."""
    return find_spec("jsonschema") is not None


def problem_of(schema: Any) -> str:
    """Why the schema cannot be used; empty where it can. Without the library the meta-schema is
    not asked, which `has_meta_schema` tells."""
    return _unlike_meta_schema(schema) or _unusable_part(schema)


def _unlike_meta_schema(schema: Any) -> str:
    if not has_meta_schema():
        return ""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as wrong:
        return f"{wrong.json_path}: {wrong.message}"
    return ""


def _unusable_part(schema: Any) -> str:
    """What no meta-schema tells: a pattern that does not compile, a reference to nothing."""
    for one in _parts_of(schema):
        try:
            re.compile(one.get("pattern", "") if isinstance(one.get("pattern"), str) else "")
        except re.error as wrong:
            return f"pattern {one['pattern']!r}: {wrong}"
        named = str(one.get("$ref", "")).partition("#/$defs/")[2]
        if named and named not in schema.get("$defs", {}):
            return f"nothing stands at #/$defs/{named}"
    return ""


def _parts_of(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    below = schema.values() if isinstance(schema, dict) else schema
    if isinstance(below, str) or not isinstance(below, Iterable):
        return
    for one in below:
        yield from _parts_of(one)
