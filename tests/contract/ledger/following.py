"""Tasks, their followers and their ends, for the contract of what follows."""

from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.domain.follow_up import FollowUp, FollowUps, Groups, NewGroup
from shared.domain.outcome import Failure
from shared.domain.ports import Ledger
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import Claim, NewTask, State
from tests.support.task_types import greeting_type

TRACE = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
GREET = greeting_type()


def new_task(**changes: Any) -> NewTask:
    """A task of one kind."""
    values = {"id": uuid7(), "task_type": "greet", "payload": {"name": "Ada"}}
    return NewTask(**{**values, "traceparent": TRACE, **changes})


def new_follow_up(**changes: Any) -> FollowUp:
    """A follower of the same kind."""
    return FollowUp(**{"id": uuid7(), "task_type": "greet", "payload": {}, **changes})


def succeeded(result: Any) -> Settlement:
    """An end."""
    return Settlement(State.SUCCEEDED, "succeeded", Answer.ACK, result=result)


def rejected(message: str) -> Settlement:
    """Another."""
    failure = Failure("RejectTask", message)
    return Settlement(State.DEAD, "rejected", Answer.ACK, failure=failure, copy=True)


def to_retry(due_in_seconds: float) -> Settlement:
    """No end yet."""
    failure = Failure("Oops", "no")
    return Settlement(
        State.RETRYING, "failed", Answer.NACK, failure=failure, due_in_seconds=due_in_seconds
    )


async def run(ledger: Ledger, task_id: UUID, settlement: Settlement) -> State:
    """One attempt, ended so."""
    claim = await ledger.claim(task_id, 0, GREET)
    assert isinstance(claim, Claim), claim
    return await ledger.finish(claim, settlement)


def a_new_group(size: int, follow_ups: FollowUps, **changes: Any) -> tuple[NewGroup, list[NewTask]]:
    """A group with its members, not stored yet."""
    group = NewGroup(uuid7(), size, follow_ups, TRACE, **changes)
    return group, [new_task(group_id=group.id) for _ in range(size)]


async def a_group(
    groups: Groups, size: int, follow_ups: FollowUps, **changes: Any
) -> tuple[NewGroup, list[NewTask]]:
    """A group with its members, all queued."""
    group, members = a_new_group(size, follow_ups, **changes)
    await groups.open(group, members)
    return group, members
