"""Reads the messages of a seed. It publishes none."""

import base64
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from emulators.pubsub import protos
from emulators.pubsub.control.fields import Fields, is_text
from emulators.pubsub.errors import InvalidArgument

Parsed = TypeVar("Parsed", bound=Message)


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages for one topic."""

    topic: str
    messages: list[protos.PubsubMessage]


def batch(number: int, row: object) -> Batch:
    """Return the messages of a seed's `number`-th row. Raises: InvalidArgument."""
    what = f"seed: messages[{number}]"
    fields = Fields(what, row)
    topic = fields.text("topic")
    messages = [
        _published(f"{what}.messages[{index}]", message)
        for index, message in enumerate(fields.rows("messages"))
    ]
    fields.end(["topic", "messages"])
    if not topic:
        raise InvalidArgument(f"{what}: topic is missing")
    return Batch(topic, messages)


def parsed(what: str, row: object, message: Parsed) -> Parsed:
    """Fill `message` from its JSON; return it. Raises: InvalidArgument, naming `what`."""
    if not isinstance(row, dict):
        raise InvalidArgument(f"{what}: {row!r} is not a JSON object")
    try:
        return ParseDict(row, message)
    except ParseError as error:
        raise InvalidArgument(f"{what}: {error}") from error


def _published(what: str, row: object) -> protos.PubsubMessage:
    """Return a message; it may have `text` instead of `data`, as people prefer to write it."""
    if not isinstance(row, dict):
        return parsed(what, row, protos.PubsubMessage())
    text = row.get("text")
    message = {name: value for name, value in row.items() if name != "text"}
    if is_text(text) and "data" not in row:
        message["data"] = base64.b64encode(text.encode()).decode()
    elif "text" in row:
        raise InvalidArgument(
            f"{what}: text is a string of Unicode characters, and stands in place of data"
        )
    elif not _is_base64(row.get("data", "")):
        raise InvalidArgument(
            f"{what}: data {row['data']!r} is not base64; write plain text as text"
        )
    return parsed(what, message, protos.PubsubMessage())


def _is_base64(data: object) -> bool:
    """Say whether it is clean base64 of either alphabet, which protobuf's parser does not ask."""
    if not isinstance(data, str):
        return False
    try:
        base64.b64decode(data.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        return False
    return True
