"""Checks that several resources share: durations, labels, what only the server sets."""

import unicodedata
from collections.abc import Iterable, Mapping

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from emulators.pubsub.errors import InvalidArgument

ACTIVE = 1  # the same in every State of the API
MAX_LABELS = 64
MAX_LABEL_CHARACTERS = 63
MAX_LABEL_BYTES = 128
NANOS = 10**9
# Source: google.protobuf.Duration, "range is approximately +-10,000 years".
LONGEST_SECONDS = 315_576_000_000


def seconds_of(value: Duration) -> float:
    """Return a duration in seconds."""
    return value.seconds + value.nanos / NANOS


def check_duration(name: str, value: Duration, least: int, most: int) -> None:
    """Check that a duration is valid and `least` to `most` seconds. Raises: InvalidArgument."""
    signs_differ = value.seconds * value.nanos < 0
    if signs_differ or abs(value.nanos) >= NANOS or not least <= seconds_of(value) <= most:
        raise InvalidArgument(f"{name} of {seconds_of(value):g} s is not {least} to {most} s")


def check_labels(labels: Mapping[str, str]) -> None:
    """Check the labels of a resource. Raises: InvalidArgument.

    Source: Google Cloud, "Requirements for labels".
    """
    if len(labels) > MAX_LABELS:
        raise InvalidArgument(f"{len(labels)} labels, the limit is {MAX_LABELS}")
    for key, value in labels.items():
        if not key or not _is_letter(key[0]) or not _may_stand_in_label(key):
            raise InvalidArgument(
                f"label key {key[:80]!r} must have 1 to {MAX_LABEL_CHARACTERS} lower-case letters, "
                "digits, _ or -, and start with a letter"
            )
        if not _may_stand_in_label(value):
            raise InvalidArgument(
                f"label value {value[:80]!r} must have at most {MAX_LABEL_CHARACTERS} lower-case "
                "letters, digits, _ or -"
            )


def clear(message: Message, names: Iterable[str]) -> None:
    """Take the fields away that a caller has no say in."""
    for name in names:
        message.ClearField(name)


def _may_stand_in_label(text: str) -> bool:
    return (
        len(text) <= MAX_LABEL_CHARACTERS
        and len(text.encode()) <= MAX_LABEL_BYTES
        and all(_is_letter(one) or one in "_-" or one.isnumeric() for one in text)
    )


def _is_letter(character: str) -> bool:
    """Say whether it is a lower-case letter, or one of a script that has no case."""
    return unicodedata.category(character) in ("Ll", "Lo")
