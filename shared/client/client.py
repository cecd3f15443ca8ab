"""One class: an asynchronous client of the REST API.

It speaks HTTP and nothing else: what it returns is the API's own JSON, typed. It never repeats an
enqueue by itself: give an idempotency key and repeat it yourself. httpx is imported when a client
is made, since it costs more than all the rest and a help text needs none.
"""

import asyncio
import math
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote, urlsplit

from shared.client.answers import REQUEST_SECONDS, answer_of, no_answer, receipt_of, refusal_of
from shared.client.desk import DeskCalls
from shared.client.errors import ApiError, ServiceUnreachable, WaitTimedOut
from shared.client.groups import GroupCalls
from shared.client.schedules import ScheduleCalls
from shared.client.shapes import Receipt, TaskJson, TaskRequest, TaskSummary, TaskTypeJson
from shared.client.watching import watched
from shared.domain.blob import MAX_LARGE_BODY_BYTES
from shared.domain.errors import Code
from shared.domain.task import FINAL

if TYPE_CHECKING:
    import ssl

    import httpx

OUTAGE_SECONDS: Final = 10.0
"""How long `wait` bears with a service that is away, as it is while a function reloads."""
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Clock:
    """How `wait` measures and passes time; a test gives its own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK


def _trusted(url: str) -> "ssl.SSLContext | bool":
    """Whose certificates are believed. On this machine too, SSL_CERT_FILE may name an authority."""
    if not (_is_here(url) and url.startswith("https:")):
        return True
    import ssl  # OpenSSL reads the variable itself, where httpx may not

    return ssl.create_default_context()


class Client(DeskCalls, ScheduleCalls, GroupCalls):
    """A connection pool to one REST API; use it as `async with Client(url) as client`."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str = "",
        transport: "httpx.AsyncBaseTransport | None" = None,
        clock: Clock = Clock(),
    ) -> None:
        """`api_key` is what `cloudtasker keys create` printed, where the service wants one."""
        import httpx

        self.url = url.rstrip("/")
        self._clock = clock
        self._http = httpx.AsyncClient(
            base_url=self.url,
            transport=transport,
            timeout=REQUEST_SECONDS,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            # A proxy of the environment must not stand between us and this machine.
            trust_env=not _is_here(url),
            verify=_trusted(url),
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def enqueue(self, request: TaskRequest) -> Receipt:
        """Accept one task.

        Raises: ApiError when it was refused and nothing was stored; ServiceUnreachable when it is
        not known: only an idempotency key makes a repeat safe then.
        """
        response = await self._request("POST", "/enqueue-task", json=request)
        replayed = response.headers.get("Idempotency-Replayed") == "true"
        return receipt_of(answer_of(response) | {"replayed": replayed})

    async def enqueue_all(self, requests: Sequence[TaskRequest]) -> list[Receipt | ApiError]:
        """Accept 1 to 1,000 tasks in one commit; one outcome each, in order.

        Raises: as `enqueue`, when the request as a whole was refused.
        """
        answer = await self._ask("POST", "/enqueue-tasks", json={"tasks": list(requests)})
        return [
            refusal_of(one["error"]) if "error" in one else receipt_of(one)
            for one in answer["results"]
        ]

    async def get(self, task_id: str) -> TaskJson:
        """The task with its attempts. Raises: ApiError (`not_found`), ServiceUnreachable."""
        task: TaskJson = await self._ask("GET", f"/tasks/{quote(task_id, safe='')}")
        return task

    async def find(
        self,
        *,
        task_type: str | None = None,
        state: str | None = None,
        labels: Mapping[str, str] | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[TaskSummary]:
        """Every task that all conditions hold for, newest first, asked for page by page.

        Times are aware. Raises: ApiError, ServiceUnreachable, also between two pages.
        """
        conditions = {
            "task_type": task_type,
            "state": state,
            "label": [f"{key}:{value}" for key, value in (labels or {}).items()] or None,
            "created_after": created_after and created_after.isoformat(),
            "created_before": created_before and created_before.isoformat(),
            "page_size": page_size,
        }
        query = {name: value for name, value in conditions.items() if value is not None}
        while True:
            page = await self._ask("GET", "/tasks", params=query)
            for task in page["tasks"]:
                yield task
            if not page["next_page_token"]:
                return
            query["page_token"] = page["next_page_token"]

    async def cancel(self, task_id: str) -> TaskJson:
        """Cancel a task before it runs. Raises: ApiError (`not_found`, `wrong_state`)."""
        task: TaskJson = await self._ask("POST", f"/tasks/{quote(task_id, safe='')}/cancel")
        return task

    async def task_types(self) -> list[TaskTypeJson]:
        """Every task type that the service accepts."""
        answer = await self._ask("GET", "/task-types")
        types: list[TaskTypeJson] = answer["task_types"]
        return types

    async def wait(self, task_id: str, timeout_seconds: float = math.inf) -> TaskJson:
        """The task once it is final, whatever became of it.

        Raises: WaitTimedOut; ApiError; ServiceUnreachable after 10 s without any answer.
        """
        deadline = self._clock.now() + timeout_seconds
        pauses = _pauses()
        while True:
            left = deadline - self._clock.now()
            task = await self._get_through_an_outage(task_id, min(left, OUTAGE_SECONDS))
            if task["state"] in FINAL:
                return task
            left = deadline - self._clock.now()
            if left <= 0:
                raise WaitTimedOut(task, timeout_seconds)
            await self._clock.sleep(min(next(pauses), left))

    async def watch(self, task_id: str) -> AsyncGenerator[TaskJson]:
        """The task as it stands, and again after each change, until it is final.

        Raises: ApiError (`not_found`); ServiceUnreachable after ten tries in turn.
        """
        unreachable = partial(no_answer, self.url)
        changes = watched(self._http, task_id, answer_of, unreachable, self._clock.sleep)
        async with aclosing(changes):
            async for task in changes:
                yield task

    async def _get_through_an_outage(self, task_id: str, patience_seconds: float) -> TaskJson:
        """The task as soon as the service answers, or the failure when patience is at its end."""
        give_up_at = self._clock.now() + patience_seconds
        pauses = _pauses()
        while True:
            try:
                return await self.get(task_id)
            except (ServiceUnreachable, ApiError) as failure:
                if _is_refusal(failure) or self._clock.now() >= give_up_at:
                    raise
            await self._clock.sleep(next(pauses))

    def _deadline(self, seconds: float) -> float:
        return self._clock.now() + seconds

    async def _pause_until(self, deadline: float) -> bool:
        left = deadline - self._clock.now()
        await self._clock.sleep(max(0.0, min(0.5, left)))
        return left > 0

    async def _ask(self, method: str, path: str, **content: Any) -> Any:
        return answer_of(await self._request(method, path, **content))

    async def _request(self, method: str, path: str, **content: Any) -> "httpx.Response":
        import httpx

        request = self._http.build_request(method, path, **content)
        if len(request.content) > MAX_LARGE_BODY_BYTES:
            # No service would read it to its end, and some break off before their answer is read.
            said = f"request body is over {MAX_LARGE_BODY_BYTES} bytes; it was not sent"
            raise ApiError(Code.TOO_LARGE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)
        try:
            return await self._http.send(request)
        except httpx.TransportError as failure:
            raise no_answer(self.url, failure) from failure


def _pauses() -> Iterator[float]:
    """Short at first, for the task that takes milliseconds; then about one second."""
    pause = 0.05
    while True:
        yield pause
        pause = min(1.0, pause * 1.5)


def _is_refusal(error: ServiceUnreachable | ApiError) -> bool:
    return isinstance(error, ApiError) and error.status < 500
