"""Reads a task's server-sent events, and comes again where the stream broke off."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from shared.client.errors import ServiceUnreachable
from shared.client.shapes import TaskJson
from shared.domain.task import FINAL

if TYPE_CHECKING:
    import httpx

SILENCE_SECONDS: Final = 40.0
"""A stream says something every 15 s; one that does not is broken."""
TRIES: Final = 10
PAUSE_SECONDS: Final = 1.0

Refuse = Callable[["httpx.Response"], Any]


async def watched(
    http: "httpx.AsyncClient",
    task_id: str,
    refuse: Refuse,
    unreachable: Callable[["httpx.TransportError"], ServiceUnreachable],
    sleep: Callable[[float], Awaitable[None]],
) -> AsyncGenerator[TaskJson]:
    """The task after each change, until it is final; `refuse` raises what an answer means.

    Raises: what `refuse` raises; ServiceUnreachable when it cannot be reached ten times in turn.
    """
    import httpx

    path, mark, failures = f"/tasks/{quote(task_id, safe='')}/events", "", 0
    while True:
        headers = {"Last-Event-ID": mark} if mark else {}
        try:
            async with http.stream("GET", path, headers=headers, timeout=SILENCE_SECONDS) as answer:
                if answer.status_code == httpx.codes.NO_CONTENT:
                    return
                if not answer.is_success:
                    await answer.aread()
                    refuse(answer)
                async for seen, task in _events(answer.aiter_lines()):
                    mark, failures = seen, 0
                    yield task
                    if task["state"] in FINAL:
                        return
        except httpx.TransportError as failure:
            failures += 1
            if failures >= TRIES:
                raise unreachable(failure) from failure
        await sleep(PAUSE_SECONDS)


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, TaskJson]]:
    """Each whole event: its id and its data. Comments are heartbeats."""
    mark, data = "", ""
    async for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            mark = value
        elif name == "data":
            data = value
        elif not line and data:
            yield mark, json.loads(data)
            data = ""
