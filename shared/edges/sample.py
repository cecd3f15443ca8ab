"""Makes one value that fits a JSON Schema, for a reader to start from.

Knows what our models use, and nothing of task types.
"""

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_BY_FORMAT: Final = {
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "date-time": "2026-11-24T12:00:00Z",
    "date": "2026-11-24",
    "uuid": "019aae00-0000-7000-8000-000000000000",
}
_BY_TYPE: Final[Mapping[str, Any]] = {"boolean": False, "null": None}


def sample_of(schema: Schema, definitions: Mapping[str, Schema]) -> Any:
    """The first example, default or allowed value; else the smallest one that comes to mind.

    Objects get their required fields only. It may break rules that a schema does not say.
    """
    if reference := schema.get("$ref"):
        return sample_of(definitions[reference.rpartition("/")[2]], definitions)
    for given in ("examples", "enum"):
        if given in schema:
            return schema[given][0]
    for given in ("const", "default"):
        if given in schema:
            return schema[given]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return sample_of(schema[choice][0], definitions)
    return _by_type(schema, definitions)


def _by_type(schema: Schema, definitions: Mapping[str, Schema]) -> Any:
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {
                name: sample_of(fields[name], definitions) for name in schema.get("required", ())
            }
        case "array":
            one = schema.get("items", {})
            return [sample_of(one, definitions) for _ in range(schema.get("minItems", 0))]
        case "string":
            return _text(schema)
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case kind:
            return _BY_TYPE.get(str(kind))


def _text(schema: Schema) -> str:
    text = _BY_FORMAT.get(schema.get("format", ""), "text")
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]
