"""Check what a caller asks to enqueue: one rule for every way in."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from shared.domain.errors import InvalidField, InvalidPayload, InvalidRequest, UnknownTaskType
from shared.domain.follow_up import FollowUps
from shared.domain.requests import MAX_DELAY_SECONDS, EnqueueRequest, GroupRequest
from shared.domain.task import NewTask
from shared.domain.task_type import TaskType, problems_of
from shared.services.following import FollowUpChecker

_ALSO: Final = {
    "concurrency_key",
    "run_at",
    "delay_seconds",
    "expires_in_seconds",
    "then",
    "on_failure",
}
"""Optional fields that make a request another one."""


class TaskChecker:
    """Makes new tasks of the types in `catalogue`."""

    def __init__(
        self,
        catalogue: Mapping[str, TaskType],
        *,
        new_id: Callable[[], UUID],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`now` bounds how far ahead a year is, and nothing else: the ledger's clock decides."""
        self._catalogue = catalogue
        self._new_id = new_id
        self._now = now
        self._following = FollowUpChecker(catalogue, new_id)

    def check(self, asked: Any, traceparent: str) -> NewTask:
        """The task that `asked`, the decoded JSON of an EnqueueRequest, describes.

        Raises: InvalidRequest with the problems of the request and of its payload together;
        UnknownTaskType.
        """
        problems: list[InvalidField] = []
        try:
            request = EnqueueRequest.model_validate(asked)
        except ValidationError as refused:
            problems.extend(problems_of(refused, prefix=""))
            request = None
        name = asked.get("task_type") if isinstance(asked, dict) else None
        payload = asked.get("payload") if isinstance(asked, dict) else None
        task_type = self._task_type(name) if isinstance(name, str) else None
        if task_type and isinstance(payload, dict):
            try:
                task_type.check(payload)
            except InvalidPayload as refused_payload:
                problems.extend(refused_payload.fields)
        if task_type and request and request.ordering_key and not task_type.limits.ordering:
            problems.append(
                InvalidField("ordering_key", f"{name} is not ordered: set `ordering: true`")
            )
        if request and request.run_at:
            problems.extend(_too_far(request.run_at, self._now()))
        if request:
            problems.extend(self._following.problems(request))
        if problems or request is None:
            raise rejection(problems)
        return self._new_task(request, traceparent)

    def follow_ups(self, request: GroupRequest) -> FollowUps:
        """What follows a group. Raises: InvalidRequest with every problem."""
        if problems := self._following.problems(request):
            raise rejection(problems)
        return self._following.made(request) or FollowUps()

    def _task_type(self, name: str) -> TaskType:
        if name not in self._catalogue:
            raise UnknownTaskType(name, sorted(self._catalogue))
        return self._catalogue[name]

    def _new_task(self, request: EnqueueRequest, traceparent: str) -> NewTask:
        return NewTask(
            id=self._new_id(),
            task_type=request.task_type,
            payload=request.payload,
            traceparent=traceparent,
            fingerprint=fingerprint_of(request) if request.idempotency_key else "",
            idempotency_key=request.idempotency_key,
            ordering_key=request.ordering_key,
            labels=request.labels,
            concurrency_key=request.concurrency_key,
            run_at=request.run_at,
            delay_seconds=request.delay_seconds,
            expires_in_seconds=request.expires_in_seconds,
            follow_ups=self._following.made(request),
        )


def rejection(problems: Sequence[InvalidField]) -> InvalidRequest:
    """The refusal that names every one of the problems."""
    said = "; ".join(f"{p.field or 'body'}: {p.problem}" for p in problems)
    return InvalidRequest(f"task rejected: {said}", problems)


def _too_far(run_at: datetime, now: datetime) -> list[InvalidField]:
    last = now + timedelta(seconds=MAX_DELAY_SECONDS)
    if run_at <= last:
        return []
    return [
        InvalidField(
            "run_at",
            f"{run_at.isoformat()} is more than a year ahead; the last moment is "
            f"{last.isoformat(timespec='seconds')}",
        )
    ]


def fingerprint_of(request: EnqueueRequest) -> str:
    """What must be equal for two requests of one idempotency key to be the same request."""
    said: list[Any] = [request.task_type, request.ordering_key, request.payload]
    if rest := request.model_dump(mode="json", include=_ALSO, exclude_none=True):
        said.append(rest)
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
