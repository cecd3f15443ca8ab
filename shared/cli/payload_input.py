"""Where the payload of `tasks enqueue` comes from: JSON, a file, a sample, and single fields."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import rich_click as click


@dataclass(frozen=True, slots=True)
class PayloadInput:
    """What the command line said; at most one of `text`, `file` and `sample` is set."""

    fields: Sequence[str]
    text: str | None
    file: Path | None
    sample: bool

    def __post_init__(self) -> None:
        if (self.text is not None) + (self.file is not None) + self.sample > 1:
            raise click.UsageError("--json, --file and --sample exclude each other.")

    def payload(self) -> dict[str, Any]:
        """The JSON that was given, if any, with the single fields over it.

        Raises: click.UsageError when something cannot be read as a JSON object.
        """
        base: dict[str, Any] = {}
        if self.text is not None:
            base = _object(self.text, "--json")
        elif self.file is not None:
            base = _object(_read(self.file), _name_of(self.file))
        return base | dict(_field(field) for field in self.fields)


def _field(text: str) -> tuple[str, Any]:
    """`key=text` is a string, `key:=json` is any JSON value."""
    key, equals, value = text.partition("=")
    if not equals or not key.rstrip(":"):
        raise click.UsageError(f"Field {text!r} is not of the form key=text or key:=json.")
    if key.endswith(":"):
        return key[:-1], _parsed(value, f"field {key[:-1]!r}")
    return key, value


def _object(text: str, source: str) -> dict[str, Any]:
    value = _parsed(text, source)
    if not isinstance(value, dict):
        raise click.UsageError(f"What {source} holds must be a JSON object, as {{…}}.")
    return value


def _parsed(text: str, source: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as wrong:
        raise click.UsageError(f"What {source} holds is not JSON: {wrong}.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return result


def _name_of(file: Path) -> str:
    return "standard input" if str(file) == "-" else str(file)


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise click.UsageError(f"{_name_of(file)} cannot be read: {unreadable}.") from None
