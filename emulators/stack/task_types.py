"""Read the function folders and their `task.yaml` as data; the product's code is never imported."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from emulators.stack.errors import StackError

_NAME = re.compile(r"[a-z][a-z0-9_]{1,22}[a-z0-9]")
_CONCURRENCY = 80
_UNTOUCHED = "Nothing was changed."


@dataclass(frozen=True)
class TaskType:
    """The limits of a task type that its subscriptions need. Durations in seconds."""

    name: str
    ack_deadline_seconds: int
    max_attempts: int
    retry_min_seconds: float
    retry_max_seconds: float
    ordering: bool
    # Requests that one instance takes at once. Nothing in Pub/Sub needs it.
    concurrency: int = _CONCURRENCY

    @property
    def cloud_name(self) -> str:
        """The name inside topics and subscriptions."""
        return self.name.replace("_", "-")

    @classmethod
    def from_settings(cls, name: str, settings: Mapping[str, Any]) -> "TaskType":
        """Fill in the defaults of DESIGN section 6."""
        is_long = settings.get("mode") == "long"  # acked when it begins, whatever it takes
        time_limit = 30 if is_long else settings.get("time_limit_seconds", 60)
        retry = settings.get("retry", {})
        return cls(
            name=name,
            ack_deadline_seconds=settings.get("ack_deadline_seconds", min(600, time_limit + 30)),
            max_attempts=settings.get("max_attempts", 5),
            retry_min_seconds=retry.get("min_seconds", 10),
            retry_max_seconds=retry.get("max_seconds", 600),
            ordering=settings.get("ordering", False),
            concurrency=settings.get("concurrency", _CONCURRENCY),
        )


def function_names(root: Path) -> list[str]:
    """Every folder of `functions/` with a main.py, in alphabetical order."""
    return sorted(path.parent.name for path in (root / "functions").glob("*/main.py"))


def read_task_types(root: Path, overrides: Path | None) -> list[TaskType]:
    """Every function folder with a task.yaml, its settings overridden by the file `overrides`.

    Raises:
        StackError: CT110, a file is no YAML mapping, or a name or value is not usable.
    """
    overriding = _mapping(overrides) if overrides else {}
    paths = sorted((root / "functions").glob("*/task.yaml"))
    names = [path.parent.name for path in paths]
    if unknown := sorted(set(overriding) - set(names)):
        raise _unusable(overrides or root, f"there is no task type {unknown[0]!r}", "remove it")
    return [_read(path, overriding.get(path.parent.name, {})) for path in paths]


def _read(path: Path, overriding: Mapping[str, Any]) -> TaskType:
    name = path.parent.name
    if not _NAME.fullmatch(name):
        raise _unusable(path, f"{name!r} is no task type name", f"it must match {_NAME.pattern}")
    try:
        return TaskType.from_settings(name, merged(_mapping(path), overriding))
    except (TypeError, AttributeError) as error:
        raise _unusable(path, f"a value has the wrong type: {error}", "correct it") from error


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over`; mappings are merged deep, all else is replaced."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            result[key] = merged(below, value)
        else:
            result[key] = value
    return result


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, f"it cannot be read: {error}", "correct the path") from error
    except yaml.YAMLError as error:
        raise _unusable(path, f"it is no YAML: {error}", "correct it") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise _unusable(path, f"it holds a {type(content).__name__}", "it must be a mapping")
    return content


def _unusable(path: Path, why: str, fix: str) -> StackError:
    return StackError("CT110", f"{path} cannot be used: {why}.", _UNTOUCHED, fix=fix)
