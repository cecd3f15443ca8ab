"""Transforms applied to messages, one after the other. Blocks while code runs; keeps no state."""

import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from emulators.pubsub.messages import MAX_DATA_BYTES
from emulators.pubsub.protos import Compression, JavaScriptUDF, MessageTransform, PubsubMessage
from emulators.pubsub.transforms.javascript import Result, Script, ScriptError
from emulators.pubsub.transforms.settings import COMPRESS, kind_of


class Failed(Exception):
    """Why a message could not be transformed."""


Outcome = PubsubMessage | Failed | None  # None: filtered out
Scripts = Callable[[JavaScriptUDF], Script]


def apply_transforms(
    transforms: Sequence[MessageTransform], messages: Sequence[PubsubMessage], scripts: Scripts
) -> list[Outcome]:
    """Return what becomes of each message; the messages themselves are changed."""
    outcomes: list[Outcome] = list(messages)
    for transform in transforms:
        places = [place for place, one in enumerate(outcomes) if isinstance(one, PubsubMessage)]
        alive = [one for one in outcomes if isinstance(one, PubsubMessage)]
        for place, outcome in zip(places, _apply(transform, alive, scripts), strict=True):
            outcomes[place] = outcome
    return outcomes


def _apply(
    transform: MessageTransform, messages: Sequence[PubsubMessage], scripts: Scripts
) -> list[Outcome]:
    if kind_of(transform) == "compression":
        return [_compress(transform.compression, message) for message in messages]
    return _call(transform.javascript_udf, messages, scripts)


def _call(
    function: JavaScriptUDF, messages: Sequence[PubsubMessage], scripts: Scripts
) -> list[Outcome]:
    name = function.function_name
    readable = [message for message in messages if _text(message) is not None]
    try:
        found = scripts(function).call([_arguments(message) for message in readable])
    except ScriptError as error:
        found = [Result(error=str(error))] * len(readable)
    results = iter(found)
    return [
        Failed(f"function {name}: data is not UTF-8")
        if _text(message) is None
        else _changed(message, next(results), name)
        for message in messages
    ]


def _compress(compression: Compression, message: PubsubMessage) -> Outcome:
    if compression.compression_mode == COMPRESS:
        message.data = zlib.compress(message.data)
        return message
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(message.data, MAX_DATA_BYTES)
    except zlib.error as error:
        return Failed(f"data is not ZLIB: {error}")
    if not inflate.eof or inflate.unused_data:
        return Failed(f"data is not one whole ZLIB stream of at most {MAX_DATA_BYTES} bytes")
    message.data = data
    return message


def _arguments(message: PubsubMessage) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a function's two arguments; the metadata has what is known of the message by now."""
    metadata = {"message_id": message.message_id, "ordering_key": message.ordering_key}
    if message.HasField("publish_time"):
        published = datetime.fromtimestamp(message.publish_time.seconds, UTC)
        metadata["publish_time"] = f"{published:%Y-%m-%dT%H:%M:%SZ}"
    content = {"data": _text(message), "attributes": dict(message.attributes)}
    return content, {name: value for name, value in metadata.items() if value}


def _changed(message: PubsubMessage, result: Result, name: str) -> Outcome:
    """Put a function's result into the message; attributes that it leaves out stay."""
    if result.error is not None:
        return Failed(f"function {name}: {result.error}")
    if result.value is None:
        return None
    if problem := _problem(result.value):
        return Failed(f"function {name}: {problem}")
    message.data = result.value["data"].encode()
    if "attributes" in result.value:
        message.attributes.clear()
        message.attributes.update(result.value["attributes"])
    if not message.data and not message.attributes:
        return Failed(f"function {name}: its result has neither data nor attributes")
    return message


def _problem(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "it returned neither null nor an object with data"
    data, attributes = value.get("data"), value.get("attributes", {})
    if not isinstance(data, str):
        return "the data of its result is not a string"
    if not isinstance(attributes, dict) or not all(
        isinstance(one, str) for one in attributes.values()
    ):
        return "the attributes of its result are not strings by name"
    if not all(map(_is_unicode, (data, *attributes, *attributes.values()))):
        return "its result has half a surrogate pair, which no message can carry"
    return None


def _text(message: PubsubMessage) -> str | None:
    try:
        return message.data.decode()
    except UnicodeDecodeError:
        return None


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
