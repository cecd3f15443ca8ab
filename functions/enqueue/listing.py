"""Reads the query of `GET /tasks`. Pure; every problem of the query is reported at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from pydantic import TypeAdapter, ValidationError

from shared.domain.errors import InvalidField, InvalidRequest
from shared.domain.json_value import unstorable
from shared.domain.ports import TaskFilter
from shared.domain.requests import MAX_PAGE, RFC3339, LabelKey, LabelValue
from shared.domain.task import State
from shared.domain.task_type import NAME_PATTERN

_MAX_PARAMETERS: Final = 64
_LABEL: Final = TypeAdapter(dict[LabelKey, LabelValue])


@dataclass(frozen=True, slots=True)
class Listing:
    """Which tasks to show, and which page of them; `page_size` 0 means the default."""

    wanted: TaskFilter
    page_size: int = 0
    page_token: str = ""


@dataclass(slots=True)
class _Query:
    values: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    problems: list[InvalidField] = field(default_factory=list)

    def read(self, name: str, text: str) -> None:
        """Take one parameter in, or note what is wrong with it."""
        try:
            if name == "label":
                self._read_label(text)
            elif name not in _READERS:
                raise ValueError(f"unknown parameter; there are {', '.join([*_READERS, 'label'])}")
            elif name in self.values:
                raise ValueError("it is given more than once")
            else:
                self.values[name] = _READERS[name](text)
        except ValueError as wrong:
            self.problems.append(InvalidField(name, str(wrong)))

    def _read_label(self, text: str) -> None:
        key, _, value = text.partition(":")
        if ":" not in text or not _is_label(key, value):
            raise ValueError(f"{text[:100]!r} is not a label, key:value")
        if self.labels.setdefault(key, value) != value:
            raise ValueError(f"{key} is asked for with two values, and no task has both")


def read_listing(query: bytes) -> Listing:
    """The listing that the raw query string asks for.

    Raises: InvalidRequest with every parameter that is unknown, repeated or malformed.
    """
    asked = _Query()
    for name, text in _parameters(query):
        asked.read(name, text)
    if asked.problems:
        said = "; ".join(f"{p.field}: {p.problem}" for p in asked.problems)
        raise InvalidRequest(f"query rejected: {said}", asked.problems)
    page_size, page_token = asked.values.pop("page_size", 0), asked.values.pop("page_token", "")
    return Listing(TaskFilter(labels=asked.labels, **asked.values), page_size, page_token)


def _parameters(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_PARAMETERS,
        )
    except ValueError:
        problem = f"it is not percent-encoded UTF-8 of at most {_MAX_PARAMETERS} parameters"
        raise InvalidRequest(f"query: {problem}", [InvalidField("", problem)]) from None


def _is_label(key: str, value: str) -> bool:
    try:
        return not unstorable(_LABEL.validate_python({key: value}))
    except ValidationError:
        return False


def _task_type(text: str) -> str:
    if not re.fullmatch(NAME_PATTERN, text):
        raise ValueError(f"{text[:100]!r} is not the name of a task type")
    return text


def _state(text: str) -> State:
    try:
        return State(text)
    except ValueError:
        raise ValueError(f"{text[:100]!r} is not one of {', '.join(State)}") from None


def _time(text: str) -> datetime:
    wrong = ValueError(
        f"{text[:100]!r} is not an RFC 3339 time such as 2026-11-24T12:00:00Z (write + as %2B)"
    )
    if not RFC3339.fullmatch(text):
        raise wrong
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong from None


def _page_size(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= MAX_PAGE:
        raise ValueError(f"{text[:100]!r} is not a number from 1 to {MAX_PAGE}")
    return int(text)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "task_type": _task_type,
    "state": _state,
    "created_after": _time,
    "created_before": _time,
    "page_size": _page_size,
    "page_token": str,
}
