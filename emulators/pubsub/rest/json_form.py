"""Requests from JSON and query parameters, answers to JSON, in protobuf's mapping; strict.

It knows descriptors only, no RPC and no HTTP.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from emulators.pubsub.errors import InvalidArgument

FIELD_MASK = "google.protobuf.FieldMask"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")  # both alphabets, as Google's


def fill_from_body(message: Message, body: bytes, path: str) -> None:
    """Fill `message`, or its field `path`, with a request's body; "*" is the message itself.

    Raises: InvalidArgument.
    """
    if not body.strip():
        return
    try:
        value = json.loads(body.decode(), object_pairs_hook=_without_duplicates)
        if _SURROGATE.search(body):
            json.dumps(value, ensure_ascii=False).encode()  # fails for a half of a pair
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"the body is not JSON: {error}") from error
    _fill(message, value if path == "*" else {path: value})


def fill_from_query(message: Message, parameters: Iterable[tuple[str, str]]) -> None:
    """Set fields by dotted name ("options.requestedPolicyVersion"). Raises: InvalidArgument."""
    tree: dict[str, Any] = {}
    for name, value in parameters:
        *parents, leaf = name.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise InvalidArgument(f"query parameter {name!r} contradicts {parent!r}")
        if leaf in place:
            raise InvalidArgument(f"query parameter {name!r} is given twice")
        place[leaf] = value
    if tree:
        _fill(message, tree)


def set_name(message: Message, path: str, name: str) -> None:
    """Set the string field at `path` ("topic.name")."""
    *parents, leaf = path.split(".")
    for parent in parents:
        message = getattr(message, parent)
    setattr(message, leaf, name)


def to_json(message: Message, *, numeric_enums: bool) -> str:
    """Return the JSON of an answer; fields at their defaults are left out."""
    value = json_format.MessageToDict(message, use_integers_for_enums=numeric_enums)
    return json.dumps(value, separators=(",", ":"))


def _fill(message: Message, value: object) -> None:
    if not isinstance(value, dict):
        raise InvalidArgument(f"the body is no JSON object but {json.dumps(value)[:60]}")
    _tidy(value, cast(Descriptor, message.DESCRIPTOR))
    try:
        json_format.ParseDict(value, message)
    except (json_format.ParseError, ValueError, TypeError, OverflowError) as error:
        text = " ".join(str(error).split())  # they come on several lines
        raise InvalidArgument(f"invalid JSON payload: {text}") from error


def _tidy(value: dict[str, Any], kind: Descriptor) -> None:
    """Check what json_format reads too kindly (base64), and mend what too strictly (masks)."""
    fields = _fields(kind)
    for name, item in value.items():
        field = fields.get(name)
        if field is None:
            continue
        entry = field.message_type
        if entry is None:
            _check_base64(name, item)
        elif entry.full_name == FIELD_MASK:
            value[name] = _in_camel_case(item)
        else:
            for one in item if isinstance(item, list) else (item,):
                if isinstance(one, dict):
                    _tidy(one, entry)


@cache
def _fields(kind: Descriptor) -> Mapping[str, FieldDescriptor]:
    """Return the fields that `_tidy` looks at: bytes and messages, by both of their names."""
    found = {}
    for field in kind.fields:
        if field.message_type is not None or field.type == FieldDescriptor.TYPE_BYTES:
            found[field.name] = found[field.json_name] = field
    return found


def _check_base64(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise InvalidArgument(f"{name} is not a string of base64")
    if not _BASE64.fullmatch(text):
        raise InvalidArgument(f"{name} {text[:40]!r} is not base64")


def _in_camel_case(mask: object) -> object:
    """Return a mask as json_format wants it: Google also takes push_config for pushConfig."""
    if not isinstance(mask, str):
        return mask
    return re.sub("_([a-z])", lambda found: found[1].upper(), mask)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a name twice")
    return found
