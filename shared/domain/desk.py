"""The dead-letter desk's values: dead tasks, groups of like errors, deliveries kept raw. Pure."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

GROUPED: Final = 1000
"""How many dead tasks, the newest, are looked at for groups."""
_READ_CHARACTERS: Final = 1000
_SHOWN_CHARACTERS: Final = 300
_UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# What differs between two failures of one cause. In this order: an id holds numbers.
_VARYING: Final = (
    (re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|`[^`]*`"), "<text>"),
    (re.compile(rf"\b{_UUID}\b"), "<id>"),
    (re.compile(r"\b0[xX][0-9a-fA-F]+\b"), "<hex>"),
    (re.compile(r"\b(?=[a-fA-F]*[0-9])[0-9a-fA-F]{12,}\b"), "<hex>"),
    (re.compile(r"\b(?=\w*[0-9])(?=\w*[A-Za-z])\w{10,}\b"), "<id>"),
    (re.compile(r"[-+]?[0-9]+(?:[.,:/-][0-9]+)*"), "<n>"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True)
class DeadTask:
    """A dead row as the desk sees it: enough to group it and to redrive it."""

    id: UUID
    task_type: str
    generation: int
    error: dict[str, str] | None
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Redrive:
    """One dead task to put back to work, as it was seen; with `payload`, with another payload."""

    id: UUID
    generation: int
    payload: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Dead tasks of one type whose last errors differ in nothing but ids, numbers and texts."""

    id: str
    task_type: str
    kind: str
    message: str
    count: int
    first_seen_at: datetime
    last_seen_at: datetime
    newest_task_id: UUID


@dataclass(frozen=True, slots=True)
class RawDelivery:
    """A delivery that no row answers for, as it was kept."""

    message_id: str
    subscription: str
    reason: str
    received_at: datetime
    delivery_attempt: int
    ordering_key: str
    attributes: dict[str, str]
    data: bytes


def normalised(message: str) -> str:
    """The message without what varies: quoted texts, ids, hexadecimal and other numbers."""
    said = message[:_READ_CHARACTERS]
    for pattern, sign in _VARYING:
        said = pattern.sub(sign, said)
    return said.strip()[:_SHOWN_CHARACTERS]


def group_id_of(task: DeadTask) -> str:
    """The id of the group that the task belongs to: 12 characters, always the same."""
    return _id(task.task_type, *_words(task))


def groups_of(tasks: Iterable[DeadTask]) -> list[ErrorGroup]:
    """The groups of `tasks`, the largest first."""
    members: dict[tuple[str, str, str], list[DeadTask]] = {}
    for task in tasks:
        members.setdefault((task.task_type, *_words(task)), []).append(task)
    groups = [_group(*key, of) for key, of in members.items()]
    return sorted(groups, key=lambda g: (-g.count, -g.last_seen_at.timestamp()))


def _words(task: DeadTask) -> tuple[str, str]:
    error = task.error or {}
    return error.get("kind", ""), normalised(error.get("message", ""))


def _id(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]


def _group(task_type: str, kind: str, message: str, of: list[DeadTask]) -> ErrorGroup:
    newest = max(of, key=lambda task: task.finished_at)
    return ErrorGroup(
        _id(task_type, kind, message),
        task_type,
        kind,
        message,
        len(of),
        min(task.finished_at for task in of),
        newest.finished_at,
        newest.id,
    )
