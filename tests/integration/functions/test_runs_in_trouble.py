"""Runs of real processes that are frozen, doubled, cut off, cancelled and stopped under load.

The lease's end is brought forward in the database; everything else is as it is deployed.
"""

import asyncio
import json
import signal
import time
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from shared.adapters.postgres import PostgresLedger
from shared.domain.task import NewTask, State, Task
from tests.integration.functions.server import FunctionProcess, serving
from tests.integration.functions.test_killed_functions import SUBSCRIPTION, deliver, end_lease
from tests.support.push import push_body
from tests.support.tokens import claims, token

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOOP = "functions/noop/main.py"
HEALTHY_SECONDS = 15.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ledger(database_url):
    made = PostgresLedger(database_url)
    yield made
    made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def healthy(environment):
    """Another instance of the function, which nothing happens to."""
    async with serving("uvicorn", "noop", NOOP, environment) as function:
        yield function


async def added(ledger, **payload) -> UUID:
    task = NewTask(uuid7(), "noop", payload, "")
    await ledger.add([task])
    return task.id


async def becomes(ledger, task_id, *states) -> Task:
    async with asyncio.timeout(HEALTHY_SECONDS):
        while True:
            task = await ledger.get(task_id)
            if task.state in states:
                return task
            await asyncio.sleep(0.05)


async def second_attempt(ledger, task_id) -> None:
    """Return once another instance has the task."""
    async with asyncio.timeout(HEALTHY_SECONDS):
        while True:
            if (await ledger.get(task_id)).attempt == 2:
                return
            await asyncio.sleep(0.02)


def lengthen_the_next_run(postgres, task_id, seconds: float) -> None:
    """The run that there is has read its payload; the next one ends long after it."""
    postgres.run(
        f"UPDATE tasks SET payload = payload || '{{\"sleep_seconds\": {seconds}}}' "
        f"WHERE id = '{task_id}'",
        "functions",
    )


@pytest.mark.parametrize("loop", range(2))
async def test_a_frozen_run_that_comes_back_late_cannot_write_its_result(
    environment, ledger, healthy, postgres, loop
):
    task_id = await added(ledger, sleep_seconds=1, result=loop)
    async with serving("uvicorn", "noop", NOOP, environment) as frozen:
        late = asyncio.create_task(deliver(frozen, task_id))
        await becomes(ledger, task_id, State.RUNNING)
        frozen.tell(signal.SIGSTOP)
        lengthen_the_next_run(postgres, task_id, 3)
        end_lease(postgres, task_id)
        newer = asyncio.create_task(deliver(healthy, task_id))
        await second_attempt(ledger, task_id)
        frozen.tell(signal.SIGCONT)
        assert await late == 204
        await frozen.logged("lease_lost")
        assert (await ledger.get(task_id)).state is State.RUNNING
        assert await newer == 204
    task = await ledger.get(task_id)
    assert task.result == {"result": loop, "attempt": 2}
    assert [attempt.outcome for attempt in task.attempts] == ["abandoned", "succeeded"]


@pytest.mark.parametrize("times", [2, 20])
async def test_a_message_that_is_delivered_many_times_at_once_runs_once(
    environment, ledger, healthy, times
):
    task_id = await added(ledger, sleep_seconds=0.2)
    async with serving("uvicorn", "noop", NOOP, environment) as other:
        calls = [deliver((healthy, other)[n % 2], task_id) for n in range(times)]
        assert set(await asyncio.gather(*calls)) == {204}
    task = await ledger.get(task_id)
    assert (task.state, task.attempt) == (State.SUCCEEDED, 1)
    assert [attempt.outcome for attempt in task.attempts] == ["succeeded"]


async def test_a_delivery_whose_ack_was_lost_is_acked_without_a_run(ledger, healthy):
    task_id = await added(ledger, sleep_seconds=0.1)
    port = healthy.client.base_url.port
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    envelope = {"task_id": str(task_id), "generation": 0, "task_type": "noop"}
    body = json.dumps(push_body(json.dumps(envelope).encode(), subscription=SUBSCRIPTION)).encode()
    head = f"POST / HTTP/1.1\r\nhost: f\r\nauthorization: Bearer {token(claims())}\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    await becomes(ledger, task_id, State.SUCCEEDED)
    writer.transport.abort()

    assert await deliver(healthy, task_id) == 204
    task = await ledger.get(task_id)
    assert (task.attempt, len(task.attempts)) == (1, 1)


async def test_a_cancelled_run_is_interrupted_within_seconds_and_its_delivery_acked(
    ledger, healthy
):
    task_id = await added(ledger, sleep_seconds=60)
    call = asyncio.create_task(deliver(healthy, task_id))
    await becomes(ledger, task_id, State.RUNNING)
    began = time.monotonic()
    task, asked = await ledger.cancel(task_id)
    assert (task.state, asked) == (State.RUNNING, True)

    assert await asyncio.wait_for(call, HEALTHY_SECONDS) == 204
    assert time.monotonic() - began < 6  # it is told every two seconds
    task = await ledger.get(task_id)
    assert (task.state, task.attempts[0].outcome) == (State.CANCELLED, "cancelled")
    await healthy.logged("task_stopped")


async def one_call(function: FunctionProcess, task_id: UUID) -> int:
    """As Pub/Sub sees it: a connection that cannot be made or breaks is a nack."""
    try:
        return await deliver(function, task_id)
    except httpx.TransportError:
        return 503


@pytest.mark.parametrize("loop", range(3))
async def test_a_process_that_is_stopped_under_load_loses_nothing_and_ends_in_time(
    environment, ledger, healthy, loop
):
    ids = [await added(ledger, sleep_seconds=0.02 * (n % 10)) for n in range(60)]
    async with serving("uvicorn", "noop", NOOP, environment) as stopped:
        calls = [asyncio.create_task(one_call(stopped, one)) for one in ids]
        await becomes(ledger, ids[10 * loop], State.RUNNING, State.SUCCEEDED)
        stopped.tell(signal.SIGTERM)
        answers = await asyncio.gather(*calls)
        await stopped.ended(10)
    found = [(await ledger.get(task_id)).state for task_id in ids]
    await ledger.take_due({"noop": 5}, 100)  # what was claimed in that moment was put back
    for task_id, state, answer in zip(ids, found, answers, strict=True):
        done = state is State.SUCCEEDED
        assert done or answer == 503 or state is State.SCHEDULED, (state, answer)
        assert done or await one_call(healthy, task_id) == 204
        task = await ledger.get(task_id)
        outcomes = [a.outcome for a in task.attempts]
        ends = (task.state, outcomes.count("succeeded"))
        assert ends == (State.SUCCEEDED, 1), (answer, outcomes, task)


@pytest.mark.parametrize("server", ["uvicorn", "framework"])
async def test_a_long_run_is_acked_at_once_and_a_stop_waits_for_it(
    environment, ledger, tmp_path, server
):
    overrides = tmp_path / "overrides.yaml"
    overrides.write_text("noop: {mode: long, time_limit_seconds: 700}")
    task_id = await added(ledger, sleep_seconds=3, result="whole")
    long = {**environment, "CLOUDTASKER_TASK_OVERRIDES": str(overrides)}
    async with serving(server, "noop", NOOP, long) as function:
        await function.ready()
        assert await deliver(function, task_id) == 204
        assert (await ledger.get(task_id)).state is State.RUNNING
        assert await deliver(function, task_id) == 204
        function.tell(signal.SIGTERM)
        await function.ended(10)
    task = await ledger.get(task_id)
    assert (task.state, task.attempt) == (State.SUCCEEDED, 1)
    assert task.result == {"result": "whole", "attempt": 1}
