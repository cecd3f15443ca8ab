"""`GET /tasks/{id}/events` from a real server: each event at once, heartbeats, the end."""

import asyncio
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace

import httpx
import pytest
import uvicorn

from functions.enqueue.events import Events
from shared.domain.api_key import Scope
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import State
from shared.edges.access import access_policy
from shared.edges.http_edge import HttpEdge, Route
from tests.contract.api.rest_app import framework_app
from tests.support.memory_api import memory_api
from tests.support.ports import free_port

SUCCESS = Settlement(State.SUCCEEDED, "succeeded", Answer.ACK, result=1)
GREET = {"task_type": "greet", "payload": {"name": "Ada"}}


@asynccontextmanager
async def served(heartbeat_seconds=15.0):
    memory, port = memory_api(), free_port()
    events = Events(memory.api, heartbeat_seconds=heartbeat_seconds)
    route = Route("GET", "/tasks/{task_id}/events", events.stream, Scope.READ)
    app = framework_app(HttpEdge([route], access_policy(memory.api.settings)))
    config = uvicorn.Config(app, port=port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        while not server.started:  # noqa: ASYNC110 - polled, with a limit
            await asyncio.sleep(0.01)
        yield SimpleNamespace(memory=memory, http=http, server=server)
    await memory.api.watch.stop()
    server.should_exit = True
    await asyncio.wait_for(serving, 30)


@asynccontextmanager
async def stream(bench, task_id, **headers):
    """The lines of the stream, one at a time."""
    async with bench.http.stream("GET", f"/tasks/{task_id}/events", headers=headers) as answer:
        lines = answer.aiter_lines()

        async def block():
            said = {}
            while line := await asyncio.wait_for(anext(lines), 30):
                name, _, value = line.partition(": ")
                said[name] = value
            return said

        yield answer, block


async def added(bench):
    stored = await bench.memory.api.enqueue.enqueue(GREET, traceparent="")
    return stored.id


async def test_each_change_is_an_event_at_once_and_the_stream_ends_with_the_task():
    async with served() as bench:
        task_id = await added(bench)
        async with stream(bench, task_id) as (answer, block):
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert await block() == {"retry": "1000"}
            first = await block()
            claim = await bench.memory.ledger.claim(task_id, 0, bench.memory.api.catalogue["greet"])
            second = await block()
            await bench.memory.ledger.say_progress(claim, 40, "half")
            third = await block()
            await bench.memory.ledger.finish(claim, SUCCESS)
            last = await block()
            with pytest.raises(StopAsyncIteration):
                await block()
        again = await bench.http.get(
            f"/tasks/{task_id}/events", headers={"last-event-id": last["id"]}
        )
    events = [first, second, third, last]
    tasks = [json.loads(one["data"]) for one in events]
    assert [one["event"] for one in events] == ["state", "state", "progress", "state"]
    assert [one["state"] for one in tasks] == ["queued", "running", "running", "succeeded"]
    assert (tasks[2]["progress"]["percent"], tasks[3]["result"]) == (40, 1)
    assert (again.status_code, again.content) == (204, b"")


async def test_silence_is_filled_with_heartbeats_and_nothing_seen_is_sent_again():
    async with served(heartbeat_seconds=0.05) as bench:
        task_id = await added(bench)
        async with stream(bench, task_id) as (_, block):
            await block()
            seen = (await block())["id"]
            assert [await block() for _ in range(3)] == [{"": "heartbeat"}] * 3
        async with stream(bench, task_id, **{"last-event-id": seen}) as (_, block):
            assert [await block() for _ in range(2)] == [{"retry": "1000"}, {"": "heartbeat"}]


async def test_a_watcher_that_goes_away_is_forgotten():
    async with served() as bench:
        task_id = await added(bench)
        async with stream(bench, task_id) as (_, block):
            await block()
            assert bench.memory.api.watch._count == 1
        async with asyncio.timeout(30):
            while bench.memory.api.watch._count:  # noqa: ASYNC110 - polled, with a limit
                await asyncio.sleep(0.01)


async def test_a_stop_ends_the_streams_and_so_the_server():
    async with served() as bench, stream(bench, await added(bench)) as (_, block):
        await block()
        await block()
        bench.server.should_exit = True
        await bench.memory.api.watch.stop()
        with pytest.raises(StopAsyncIteration):
            await block()


async def test_an_unknown_task_is_a_problem_and_head_is_no_stream():
    async with served() as bench:
        answer = await bench.http.get("/tasks/nonsense/events")
        head = await bench.http.head(f"/tasks/{await added(bench)}/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (head.status_code, head.content) == (200, b"")
