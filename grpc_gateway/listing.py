"""Reads the conditions of a ListTasksRequest. Pure; every problem is reported at once."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, Literal

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import TypeAdapter, ValidationError

from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.domain.errors import InvalidField, InvalidRequest
from shared.domain.json_value import unstorable
from shared.domain.ports import TaskFilter
from shared.domain.requests import LabelKey, LabelValue
from shared.domain.task import State
from shared.domain.task_type import NAME_PATTERN, problems_of

STATES: Final[dict[int, State]] = {pb.Task.State.Value(state.name): state for state in State}
_LABELS: Final = TypeAdapter(dict[LabelKey, LabelValue])

Bound = Literal["created_after", "created_before"]


def filter_of(request: pb.ListTasksRequest) -> TaskFilter:
    """The conditions of a listing.

    Raises: InvalidRequest with every condition that no task can meet by its form.
    """
    problems = [problem for check in _CHECKS for problem in check(request)]
    if problems:
        said = "; ".join(f"{p.field}: {p.problem}" for p in problems)
        raise InvalidRequest(f"request rejected: {said}", problems)
    return TaskFilter(
        task_type=request.task_type or None,
        state=STATES.get(request.state),
        labels=dict(request.labels),
        created_after=_moment_of(request, "created_after"),
        created_before=_moment_of(request, "created_before"),
    )


def _check_task_type(request: pb.ListTasksRequest) -> Iterator[InvalidField]:
    name = request.task_type
    if name and not re.fullmatch(NAME_PATTERN, name):
        yield InvalidField("task_type", f"{name[:100]!r} is not the name of a task type")


def _check_state(request: pb.ListTasksRequest) -> Iterator[InvalidField]:
    if request.state and request.state not in STATES:
        yield InvalidField("state", f"{request.state} is not a number of Task.State")


def _check_labels(request: pb.ListTasksRequest) -> Iterator[InvalidField]:
    labels = dict(request.labels)
    try:
        _LABELS.validate_python(labels)
    except ValidationError as wrong:
        yield from problems_of(wrong, "labels")
    if problem := unstorable(labels):
        yield InvalidField("labels", problem)


def _check_times(request: pb.ListTasksRequest) -> Iterator[InvalidField]:
    bounds: tuple[Bound, ...] = ("created_after", "created_before")
    for name in bounds:
        try:
            _moment_of(request, name)
        except ValueError:
            yield InvalidField(name, "it is not a time between the years 1 and 9999")


def _moment_of(request: pb.ListTasksRequest, name: Bound) -> datetime | None:
    if not request.HasField(name):
        return None
    given: Timestamp = getattr(request, name)
    return given.ToDatetime(tzinfo=UTC)


_CHECKS: Final[tuple[Callable[[pb.ListTasksRequest], Iterator[InvalidField]], ...]] = (
    _check_task_type,
    _check_state,
    _check_labels,
    _check_times,
)
