"""Reads the task types from their folders: `functions/*/task.yaml` and the payload model beside it.

A folder with a task.yaml is a task type; nothing else has to be edited to add one.
"""

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from shared.domain.errors import Misconfigured
from shared.domain.payload import Payload
from shared.domain.schedule import problems_with
from shared.domain.task_type import Limits, TaskType, problems_of

Catalogue = Mapping[str, TaskType]


def load_catalogue(root: Path, overrides: Path | None = None) -> dict[str, TaskType]:
    """Every task type below `root`/functions, by name.

    `overrides` is a YAML file of the form `{task_type: {limit: value}}`, merged over task.yaml.
    Raises: Misconfigured with every problem of every folder, one a line.
    """
    changes = _read_yaml(overrides) if overrides else {}
    catalogue: dict[str, TaskType] = {}
    problems: list[str] = []
    for file in sorted((root / "functions").glob("*/task.yaml")):
        try:
            catalogue[file.parent.name] = _load(file, changes.get(file.parent.name, {}))
        except Misconfigured as wrong:
            problems.append(str(wrong))
    problems.extend(_problems_of_schedules(catalogue))
    if problems:
        raise Misconfigured("\n".join(problems))
    return catalogue


def _problems_of_schedules(catalogue: Catalogue) -> Iterator[str]:
    """What is wrong with the files' schedules; without any nothing is imported."""
    timed = [one for one in catalogue.values() if one.limits.schedules]
    if not timed:
        return
    from shared.adapters.cron import CronCalendar

    calendar, owners = CronCalendar(), dict[str, str]()
    for task_type in timed:
        for n, spec in enumerate(task_type.limits.schedules):
            where = f"functions/{task_type.name}/task.yaml: schedules.{n}"
            for problem in problems_with(spec, task_type.check, calendar):
                yield f"{where}.{problem.field}: {problem.problem}"
            if owner := owners.get(spec.name):
                yield f"{where}.name: {spec.name!r} is a schedule of {owner} already"
            owners[spec.name] = task_type.name


def load_task_type(root: Path, name: str, overrides: Path | None = None) -> TaskType:
    """One task type: all that a task function needs to load.

    Raises: Misconfigured, with every problem of its folder.
    """
    changes = _read_yaml(overrides) if overrides else {}
    return _load(root / "functions" / name / "task.yaml", changes.get(name, {}))


def _load(file: Path, changes: Any) -> TaskType:
    name, shown = file.parent.name, f"functions/{file.parent.name}/task.yaml"
    said = merged(_read_yaml(file), changes if isinstance(changes, dict) else {})
    try:
        limits = Limits.model_validate(said)
    except ValidationError as wrong:
        lines = (f"{shown}: {p.field or 'limits'}: {p.problem}" for p in problems_of(wrong, ""))
        raise Misconfigured("\n".join(lines)) from None
    try:
        return TaskType(name, limits, _payload_model(name))
    except ValueError as wrong:
        raise Misconfigured(f"{shown}: {wrong}") from None


def merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` over it, level by level."""
    result = dict(base)
    for key, value in changes.items():
        below = result.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            value = merged(below, value)
        result[key] = value
    return result


def _read_yaml(file: Path) -> dict[str, Any]:
    shown = "/".join(file.parts[-3:])
    try:
        said = yaml.safe_load(file.read_bytes()) or {}
    except OSError as missing:
        raise Misconfigured(f"{shown}: cannot be read: {missing.strerror}") from None
    except yaml.YAMLError as broken:
        raise Misconfigured(f"{shown}: is not YAML: {' '.join(str(broken).split())}") from None
    if not isinstance(said, dict):
        raise Misconfigured(f"{shown}: must be a mapping, not a {type(said).__name__}")
    return said


def _payload_model(name: str) -> type[Payload]:
    """The one Payload subclass that functions/<name>/payload.py defines."""
    module_name = f"functions.{name}.payload"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as missing:
        if missing.name != module_name and missing.name != f"functions.{name}":
            raise
        raise Misconfigured(
            f"functions/{name}/payload.py is missing: define one subclass of Payload there"
        ) from None
    models = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Payload)
        and value.__module__ == module_name
    ]
    if len(models) != 1:
        found = ", ".join(model.__name__ for model in models) or "none"
        raise Misconfigured(
            f"functions/{name}/payload.py must define exactly one subclass of Payload; "
            f"found: {found} (nested models subclass pydantic.BaseModel)"
        )
    return models[0]
