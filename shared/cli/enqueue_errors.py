"""What `tasks enqueue` says when a task is refused: which field, what it held, and the fix."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.cli.api import refusal, unanswered
from shared.cli.errors import CliError, Exit
from shared.cli.words import cut, plain
from shared.client import ApiError, ServiceUnreachable, TaskRequest
from shared.domain.errors import Code, InvalidField, UnknownTaskType

NOTHING: Final = "Nothing was enqueued."
PERHAPS: Final = "It may have been enqueued; an idempotency key makes a repeat safe."
VALUE_CHARACTERS: Final = 60
_ABSENT: Final = object()


def rejected(refused: ApiError, request: TaskRequest) -> CliError:
    """The refusal of an enqueue. Only a refusal by status 4xx is sure to have stored nothing."""
    if refused.status >= 500:
        return refusal(refused, PERHAPS)
    if refused.code != Code.INVALID or not refused.errors:
        return refusal(refused, NOTHING)
    first, *more = [_line(problem, request) for problem in refused.errors]
    name = request["task_type"]
    owner = _owner_of(refused.errors[0].field, request)
    return refusal(
        refused,
        *more,
        NOTHING,
        what=f"{name} rejected: {first}",
        fix=f"`cloudtasker task-types {owner}` shows the fields; --sample sends a valid task.",
    )


def _owner_of(field: str, request: TaskRequest) -> str:
    """The type whose field was refused: a follow-up is of another one."""
    match field.partition(".")[0]:
        case "then" if "then" in request:
            return request["then"]["task_type"]
        case "on_failure" if "on_failure" in request:
            return request["on_failure"]["task_type"]
    return request["task_type"]


def not_started(refused: ApiError) -> CliError:
    """The refusal of a group: all of it or nothing, so each problem names its member."""
    if refused.status >= 500:
        return refusal(refused, PERHAPS)
    problems = [f"{one.field or 'group'}: {plain(one.problem)}" for one in refused.errors]
    if refused.code != Code.INVALID or not problems:
        return refusal(refused, NOTHING)
    return refusal(refused, *problems[1:], NOTHING, what=f"group rejected: {problems[0]}")


def without_answer(away: ServiceUnreachable) -> CliError:
    """No answer to an enqueue: nothing was stored for sure only when nothing was sent."""
    return unanswered(away, PERHAPS if away.sent else NOTHING)


def unknown_type(name: str, known: Sequence[str], *facts: str) -> CliError:
    """CT302, as the service says it."""
    text = str(UnknownTaskType(name, known))
    return refusal(ApiError(Code.UNKNOWN_TASK_TYPE, 400, text), *facts)


def no_sample(name: str) -> CliError:
    """CT307: --sample needs an example in the payload model."""
    return CliError(
        "CT307",
        f"{name} has no example.",
        NOTHING,
        fix=f"give `examples` to the fields in functions/{name}/payload.py, or the payload here.",
        exit_code=Exit.USAGE,
    )


def _line(problem: InvalidField, request: Mapping[str, Any]) -> str:
    value = _value_at(problem.field, request)
    got = "" if value is _ABSENT else f" (got {cut(json.dumps(value), VALUE_CHARACTERS)})"
    return f"{problem.field or 'task'}: {plain(problem.problem)}{got}"


def _value_at(path: str, request: Mapping[str, Any]) -> Any:
    """What the request holds at `payload.to` or `payload.lines.0`, or nothing."""
    value: Any = request
    for step in path.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _ABSENT
    return value
