"""How a request to the API can fail: refused, unanswered, or not done in time."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from shared.client.shapes import TaskJson
from shared.domain.errors import InvalidField


class ApiError(Exception):
    """The service answered, and refused. `code` is the machine's word for why.

    `errors` names each field that was wrong; `status` is the HTTP status. `holder` is who has the
    idempotency key of an `idempotency_conflict`: `{"task_id": …}` or `{"group_id": …}`.
    """

    def __init__(
        self,
        code: str,
        status: int,
        detail: str,
        errors: Sequence[InvalidField] = (),
        holder: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.holder = dict(holder)


class ServiceUnreachable(Exception):
    """No answer came. With `sent`, what was asked may or may not have happened; else it has not."""

    def __init__(self, url: str, reason: str, *, sent: bool) -> None:
        super().__init__(f"{url} {reason}")
        self.url = url
        self.reason = reason
        self.sent = sent


class WaitTimedOut(Exception):
    """The task was not final in time; it goes on by itself. `task` is its last known form."""

    def __init__(self, task: TaskJson, seconds: float) -> None:
        super().__init__(f"task {task['task_id']} is still {task['state']} after {seconds:g} s")
        self.task = task
