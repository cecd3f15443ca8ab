"""What the two kinds of schema have in common: what data must conform to, and how it may fail."""

from typing import Any, Protocol

PROTOCOL_BUFFER, AVRO = 1, 2  # Schema.Type
JSON, BINARY = 1, 2  # Encoding
ENCODINGS = {JSON: "JSON", BINARY: "BINARY"}


class Mismatch(Exception):
    """Data that does not conform to a schema; the text says where and why."""

    def __init__(self, why: str, path: str = "") -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self._why = why
        self._path = path

    def within(self, step: str) -> "Mismatch":
        """Return the same mismatch as seen from the value around it."""
        return Mismatch(self._why, f"{step}.{self._path}" if self._path else step)


class Incompatible(Exception):
    """A revision that cannot follow an earlier one; the text names what has changed."""


class Definition(Protocol):
    """A parsed schema definition."""

    def check(self, data: bytes, encoding: int) -> None:
        """Raise Mismatch unless `data` is exactly one value of this schema in `encoding`."""

    def check_follows(self, earlier: Any) -> None:
        """Raise Incompatible unless this may be committed after `earlier`, of the same kind."""
