"""P7: what a caller and a task wait for while the stack has half the work that it could do."""

import asyncio
import json
import time
from typing import Final

from tests.bench.queue.load import Connection, connect, percentile, request
from tests.bench.queue.ours import TASK, Ours

CONNECTIONS: Final = 64
_PLACE: Final = b'"SENT............."'


async def _paced(
    url: str, message: bytes, per_second: float, seconds: float
) -> tuple[list[float], int]:
    """Seconds of each POST since the moment that it was due, so that a late one is not forgiven.

    Each carries that moment in its payload. Returns them, and how many there were.
    """
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await connect(url))
    took: list[float] = []

    async def send(due: float) -> None:
        connection = await free.get()
        status = await connection.ask(message.replace(_PLACE, b'"%17.6f"' % due))
        if status != 202:
            raise RuntimeError(f"a POST under load was answered with {status}")
        took.append(time.time() - due)
        free.put_nowait(connection)

    count, began = round(per_second * seconds), time.time()
    async with asyncio.TaskGroup() as sending:
        for number in range(count):
            due = began + number / per_second
            if (early := due - time.time()) > 0:
                await asyncio.sleep(early)
            sending.create_task(send(due))
    while not free.empty():
        free.get_nowait().close()
    return took, count


def half_load(ours: Ours, per_second: float, seconds: float) -> tuple[float, float]:
    """The p99 in seconds of the POST, and from when it was due to the outcome's statement.

    The handler has then begun and ended: a little more than its start.
    """
    label = f"half-{time.time_ns()}"
    body = {**TASK, "payload": {"result": json.loads(_PLACE)}, "labels": {"run": label}}
    message = request("POST", ours.url, "/enqueue-task", body)
    if message.count(_PLACE) != 1:
        raise RuntimeError("the place for the moment must stand in the request once")
    posts, count = asyncio.run(_paced(ours.url, message, per_second, seconds))
    ours.all_done()
    rows = ours.database.run(
        "SELECT extract(epoch FROM finished_at)::float8 - (payload->>'result')::float8"
        " FROM tasks WHERE labels @> CAST(:label AS jsonb)",
        label=json.dumps({"run": label}),
    )
    if len(rows) != count:
        raise RuntimeError(f"{count} tasks were sent, {len(rows)} have ended")
    return percentile(sorted(posts), 0.99), percentile(sorted(float(one) for [one] in rows), 0.99)
