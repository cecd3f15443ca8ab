"""Reads the query of a listing that takes plain parameters. Pure; all problems come at once."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from shared.domain.errors import InvalidField, InvalidRequest
from shared.domain.requests import MAX_PAGE
from shared.domain.task_type import NAME_PATTERN

Reader = Callable[[str], Any]
MAX_PARAMETERS: Final = 64


def read_query(query: bytes, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The parameters that were given, read by their readers.

    Raises: InvalidRequest with every parameter that is unknown, repeated or malformed.
    """
    values: dict[str, Any] = {}
    problems: list[InvalidField] = []
    for name, text in parameters_of(query):
        try:
            if name not in readers:
                raise ValueError(f"unknown parameter; there are {', '.join(readers) or 'none'}")
            if name in values:
                raise ValueError("it is given more than once")
            values[name] = readers[name](text)
        except ValueError as wrong:
            problems.append(InvalidField(name, str(wrong)))
    if problems:
        said = "; ".join(f"{p.field}: {p.problem}" for p in problems)
        raise InvalidRequest(f"query rejected: {said}", problems)
    return values


def parameters_of(query: bytes) -> list[tuple[str, str]]:
    """The pairs of a raw query string. Raises: InvalidRequest."""
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:
        problem = f"it is not percent-encoded UTF-8 of at most {MAX_PARAMETERS} parameters"
        raise InvalidRequest(f"query: {problem}", [InvalidField("", problem)]) from None


def task_type(text: str) -> str:
    """The name of a task type, whether it is deployed or not."""
    if not re.fullmatch(NAME_PATTERN, text):
        raise ValueError(f"{text[:100]!r} is not the name of a task type")
    return text


def page_size(text: str) -> int:
    """How many a page holds."""
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= MAX_PAGE:
        raise ValueError(f"{text[:100]!r} is not a number from 1 to {MAX_PAGE}")
    return int(text)


def group(text: str) -> str:
    """The id of a group of like errors."""
    if not re.fullmatch("[0-9a-f]{12}", text):
        raise ValueError(f"{text[:100]!r} is not the id of a group, 12 hexadecimal digits")
    return text


def number(text: str) -> int:
    """A number of a line."""
    if not re.fullmatch("[1-9][0-9]{0,17}", text):
        raise ValueError(f"{text[:100]!r} is not a number above 0")
    return int(text)


def plain(text: str) -> str:
    """A text that a row can hold."""
    if "\0" in text:
        raise ValueError("it has a NUL character")
    return text
