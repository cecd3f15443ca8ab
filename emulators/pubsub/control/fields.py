"""Reads the JSON objects of the control API, field by field. It knows none of their meanings."""

from collections.abc import Iterable
from typing import Any, TypeGuard

from emulators.pubsub.errors import InvalidArgument


class Fields:
    """The fields of one JSON object; every error names the object, the field and its value."""

    def __init__(self, what: str, value: object) -> None:
        if not isinstance(value, dict):
            raise InvalidArgument(f"{what}: {_shown(value)} is not a JSON object")
        self._what = what
        self._left: dict[str, Any] = dict(value)

    def text(self, name: str, default: str = "") -> str:
        """Take a string."""
        value = self._left.pop(name, default)
        if not is_text(value):
            raise self.error(name, value, "a string of Unicode characters")
        return value

    def flag(self, name: str) -> bool:
        """Take true or false; false if it is not there."""
        value = self._left.pop(name, False)
        if not isinstance(value, bool):
            raise self.error(name, value, "true or false")
        return value

    def count(self, name: str, default: int | None) -> int | None:
        """Take a whole number of at least 1, or null."""
        value = self._left.pop(name, default)
        if value is not None and (not isinstance(value, int) or value is True or value < 1):
            raise self.error(name, value, "a whole number of at least 1")
        return value

    def seconds(self, name: str, most: float) -> float:
        """Take a number from 0 to `most`; 0 if it is not there."""
        value = self._left.pop(name, 0.0)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= most:
            raise self.error(name, value, f"a number of seconds from 0 to {most:g}")
        return float(value)

    def rows(self, name: str) -> list[Any]:
        """Take a list; empty if it is not there."""
        value = self._left.pop(name, [])
        if not isinstance(value, list):
            raise self.error(name, value, "a list")
        return value

    def json(self, name: str) -> Any:
        """Take any value; None if it is not there."""
        return self._left.pop(name, None)

    def drop(self, name: str) -> bool:
        """Take a field of any value that means nothing here; say whether it was there."""
        return self._left.pop(name, None) is not None

    def end(self, known: Iterable[str]) -> None:
        """Refuse fields that nobody took. Raises: InvalidArgument naming the `known` ones."""
        if self._left:
            raise InvalidArgument(
                f"{self._what}: unknown field {next(iter(self._left))!r}; "
                f"known are {', '.join(known)}"
            )

    def error(self, name: str, value: object, wanted: str) -> InvalidArgument:
        """Return the error for a field with the wrong value."""
        return InvalidArgument(f"{self._what}: {name} {_shown(value)} is not {wanted}")


def is_text(value: object) -> TypeGuard[str]:
    """Say whether it is a string that UTF-8 can have: JSON's may hold half a character."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole_number(text: str) -> int | None:
    """Return a number in decimal digits, None if it is none or has more than 18."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _shown(value: object) -> str:
    return repr(value)[:80]
