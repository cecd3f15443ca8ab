"""What follows a task: at most one task when it succeeded, and one when it ended otherwise.

Their ids are made with the task's, so that an outcome that is recorded twice makes no second one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol
from uuid import UUID

from shared.domain.task import NewTask, State, Stored

GroupState = Literal["running", "succeeded", "failed"]
THEN: Final = "then"
ON_FAILURE: Final = "on_failure"
MAX_FOLLOW_UPS: Final = 16
"""How many tasks may follow one, those that follow its followers counted in."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A checked task that is stored when the one before it has ended.

    `result_as` names the field of its payload that takes what the other ended with.
    """

    id: UUID
    task_type: str
    payload: dict[str, Any]
    labels: dict[str, str] = field(default_factory=dict)
    concurrency_key: str | None = None
    delay_seconds: float | None = None
    expires_in_seconds: float | None = None
    result_as: str | None = None
    after: "FollowUps | None" = None

    def as_json(self) -> dict[str, Any]:
        """As a row keeps it; what is not set is left out."""
        said = {
            "id": str(self.id),
            "task_type": self.task_type,
            "payload": self.payload,
            "labels": self.labels or None,
            "concurrency_key": self.concurrency_key,
            "delay": self.delay_seconds,
            "expires_in": self.expires_in_seconds,
            "result_as": self.result_as,
            "follow_ups": self.after.as_json() if self.after else None,
        }
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class FollowUps:
    """What follows on success, and on any other end."""

    then: FollowUp | None = None
    on_failure: FollowUp | None = None

    def as_json(self) -> dict[str, Any]:
        """As a row keeps them."""
        both = {THEN: self.then, ON_FAILURE: self.on_failure}
        return {name: one.as_json() for name, one in both.items() if one}

    def after(self, state: State) -> FollowUp | None:
        """What follows the end `state`."""
        return self.then if state is State.SUCCEEDED else self.on_failure


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group that is about to be stored: how many members it will have, and what follows.

    Within one `idempotency_key` equal fingerprints are the same request.
    """

    id: UUID
    total: int
    follow_ups: FollowUps
    traceparent: str
    idempotency_key: str | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class StartedGroup:
    """A group that is stored, and its members by id; `is_new` is False for an earlier one."""

    id: UUID
    members: Sequence[Stored]
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """How a group stands. It has ended once `finished_at` is set: its follow-up exists then."""

    id: UUID
    total: int
    succeeded: int
    failed: int
    follow_ups: dict[str, UUID]
    created_at: datetime
    finished_at: datetime | None

    @property
    def state(self) -> GroupState:
        """`running`, then `succeeded`, or `failed` when one member did not succeed."""
        if self.finished_at is None:
            return "running"
        return "failed" if self.failed else "succeeded"


def ids_of(follow_ups: dict[str, Any] | None) -> dict[str, UUID]:
    """The id of each follow-up, from what a row keeps."""
    return {name: UUID(one["id"]) for name, one in (follow_ups or {}).items() if name in NAMES}


NAMES: Final = (THEN, ON_FAILURE)


def ending_of(task_id: UUID, state: State, error: dict[str, str] | None) -> dict[str, Any]:
    """What `on_failure` may take: which task, how it ended, and why."""
    said = error or {}
    return {
        "task_id": str(task_id),
        "state": state.value,
        "kind": said.get("kind"),
        "message": said.get("message"),
    }


class Groups(Protocol):
    """The groups. Raises LedgerUnavailable when the database does not answer."""

    async def open(self, group: NewGroup, members: Sequence[NewTask]) -> StartedGroup:
        """Store a group and its members, at least one, in one commit: all of it or nothing.

        Members have ascending ids. A known idempotency key stores nothing and gives the earlier
        group, with the members that are still kept. Raises IdempotencyConflict when that was
        another request.
        """
        ...

    async def get(self, group_id: UUID) -> Group | None:
        """How the group stands."""
        ...

    async def join(self, limit: int) -> int:
        """End at most `limit` groups whose members have all ended; how many it was.

        What follows each is stored in the same commit. Two calls never end one group twice.
        """
        ...
