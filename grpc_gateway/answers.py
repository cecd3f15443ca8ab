"""What the services answer, as messages. Translation only; nothing here can refuse."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from grpc_gateway.errors import status_of
from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.domain.errors import CloudTaskerError
from shared.domain.follow_up import Group, StartedGroup
from shared.domain.task import Attempt, Progress, State, Stored, Task
from shared.domain.task_type import Limits, TaskType

STATES: Final = {state: pb.Task.State.Value(state.name) for state in State}


def accepted(stored: Stored) -> pb.EnqueueTaskResponse:
    """The task that was accepted."""
    return pb.EnqueueTaskResponse(
        task_id=str(stored.id),
        task_type=stored.task_type,
        state=STATES[stored.state],
        created_at=timestamp(stored.created_at),
        replayed=not stored.is_new,
    )


def outcomes(of: Sequence[Stored | CloudTaskerError]) -> pb.EnqueueTasksResponse:
    """The outcomes of a batch, in its order."""
    return pb.EnqueueTasksResponse(outcomes=[_outcome(one) for one in of])


def summary(task: Task) -> pb.Task:
    """The task without payload, result and attempts, which would make a page too large."""
    return pb.Task(
        task_id=str(task.id),
        task_type=task.task_type,
        state=STATES[task.state],
        error=_failure(task.error),
        labels=task.labels,
        ordering_key=task.ordering_key,
        idempotency_key=task.idempotency_key,
        generation=task.generation,
        attempt=task.attempt,
        created_at=timestamp(task.created_at),
        started_at=timestamp(task.started_at),
        finished_at=timestamp(task.finished_at),
        due_at=timestamp(task.due_at),
        concurrency_key=task.concurrency_key,
        expires_at=timestamp(task.expires_at),
        not_before=timestamp(task.not_before),
        progress=_progress(task.progress),
        cancel_requested_at=timestamp(task.cancel_requested_at),
        parent_id=str(task.parent_id or ""),
        group_id=str(task.group_id or ""),
        follow_ups={name: str(one) for name, one in task.follow_ups.items()},
    )


def started(group: StartedGroup) -> pb.StartGroupResponse:
    """A group that was accepted."""
    ids = [str(one.id) for one in group.members]
    return pb.StartGroupResponse(group_id=str(group.id), task_ids=ids, replayed=not group.is_new)


def group(known: Group) -> pb.Group:
    """How a group stands."""
    return pb.Group(
        group_id=str(known.id),
        state=known.state,
        total=known.total,
        succeeded=known.succeeded,
        failed=known.failed,
        follow_ups={name: str(one) for name, one in known.follow_ups.items()},
        created_at=timestamp(known.created_at),
        finished_at=timestamp(known.finished_at),
    )


def whole(task: Task) -> pb.Task:
    """The task with everything that is known of it."""
    answer = summary(task)
    answer.payload_json = _json(task.payload)
    if task.payload_blob:
        answer.payload_blob.CopyFrom(pb.Blob(**task.payload_blob.as_json()))
    if task.state is State.SUCCEEDED:
        answer.result_json = _json(task.result)
    answer.attempts.extend(_attempt(one) for one in task.attempts)
    return answer


def task_type(known: TaskType) -> pb.TaskType:
    """The task type with its limits and its payload's schema."""
    return pb.TaskType(
        name=known.name,
        description=known.limits.description,
        labels=known.limits.labels,
        limits=_limits(known.limits),
        payload_schema_json=_json(known.payload_model.model_json_schema()),
    )


def _outcome(one: Stored | CloudTaskerError) -> pb.EnqueueOutcome:
    if isinstance(one, CloudTaskerError):
        return pb.EnqueueOutcome(error=status_of(one))
    return pb.EnqueueOutcome(task=accepted(one))


def _attempt(one: Attempt) -> pb.Attempt:
    return pb.Attempt(
        generation=one.generation,
        number=one.number,
        started_at=timestamp(one.started_at),
        finished_at=timestamp(one.finished_at),
        outcome=one.outcome,
        error=_failure(one.error),
    )


def _failure(error: dict[str, str] | None) -> pb.Failure | None:
    return pb.Failure(kind=error["kind"], message=error["message"]) if error else None


def _progress(said: Progress | None) -> pb.Progress | None:
    if said is None:
        return None
    return pb.Progress(percent=said.percent, text=said.text, at=timestamp(said.at))


def _limits(limits: Limits) -> pb.Limits:
    return pb.Limits(
        time_limit_seconds=limits.time_limit_seconds,
        ack_deadline_seconds=limits.ack_deadline_seconds,
        max_attempts=limits.max_attempts,
        retry=pb.Retry(
            by=pb.Retry.By.Value(limits.retry.by.upper()),
            min_seconds=limits.retry.min_seconds,
            max_seconds=limits.retry.max_seconds,
        ),
        mode=pb.Limits.Mode.Value(limits.mode.upper()),
        cpu=limits.cpu,
        memory_mb=limits.memory_mb,
        concurrency=limits.concurrency,
        max_instances=limits.max_instances,
        ordering=limits.ordering,
        max_concurrent=limits.max_concurrent,
        max_concurrent_per_key=limits.max_concurrent_per_key,
        rate_per_second=limits.rate_per_second,
        non_retryable=limits.non_retryable,
    )


def timestamp(moment: datetime | None) -> Timestamp | None:
    """The moment to the nanosecond; absent for none."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _json(value: Any) -> str:
    """Compact JSON; text stays readable, numbers stay exact."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
