"""What the cases of the API contract need of a protocol: plain dictionaries and one error.

`rest_client.py` and `grpc_client.py` implement it; the cases know neither HTTP nor gRPC. Each has a
function `open_client(api)`: an asynchronous context manager that gives an `ApiClient` of that Api.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Json = dict[str, Any]


class ApiError(Exception):
    """The API refused. `code` is a `shared.domain.errors.Code` value; `fields` are the paths of
    the fields that it named, `holder` is what has the idempotency key of a conflict."""

    def __init__(
        self,
        code: str,
        fields: Sequence[str] = (),
        detail: str = "",
        holder: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.fields = frozenset(fields)
        self.detail = detail
        self.holder = dict(holder or {})


class ApiClient(Protocol):
    """One protocol's client. Names of keys are REST's; times are RFC 3339 texts.

    A request is a mapping of `task_type`, `payload` and the optional fields of EnqueueRequest; its
    payload may be given as text, which is then sent as it is.
    """

    async def enqueue(self, request: Mapping[str, Any], *, traceparent: str = "") -> Json:
        """`task_id`, `task_type`, `state`, `created_at`, `replayed`. Raises: ApiError."""
        ...

    async def enqueue_all(self, requests: Sequence[Mapping[str, Any]]) -> list[Json | ApiError]:
        """One outcome each: as `enqueue`, or the ApiError of that task. Raises: ApiError."""
        ...

    async def start_group(self, request: Mapping[str, Any]) -> Json:
        """`group_id` and `task_ids`. Raises: ApiError."""
        ...

    async def group(self, group_id: str) -> Json:
        """How the group stands. Raises: ApiError."""
        ...

    async def get(self, task_id: str) -> Json:
        """The task with `payload`, `result` and `attempts`. Raises: ApiError."""
        ...

    async def find(
        self,
        *,
        task_type: str = "",
        state: str = "",
        labels: Mapping[str, str] | None = None,
        created_after: str = "",
        created_before: str = "",
        page_size: int = 0,
        page_token: str = "",
    ) -> Json:
        """`tasks` and `next_page_token`; what is empty or 0 is not sent. Raises: ApiError."""
        ...

    async def cancel(self, task_id: str) -> Json:
        """The task as it is after. Raises: ApiError."""
        ...

    async def task_types(self) -> list[Json]:
        """`name`, `description`, `limits`, `payload_schema` (a dictionary) of each type."""
        ...
