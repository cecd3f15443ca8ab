"""SIGTERM: nothing new is begun, runs are released, and the server still gets its signal."""

import asyncio
import signal

import pytest

from shared.domain.task import State
from shared.edges.drain import when_told_to_stop
from tests.support.push import calling
from tests.unit.edges.stage import SETTINGS, Script, staged_function


@pytest.fixture
def servers_own():
    """The signals that the handler of a pretended server has got."""
    got = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: got.append(number))
    return got


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_after_a_stop_signal_deliveries_are_nacked_and_the_server_has_it_too(
    servers_own, stage, number
):
    await stage.push(await stage.add())
    signal.raise_signal(number)
    for _ in range(5):  # the loop's turns until the drain has begun
        await asyncio.sleep(0)

    task_id = await stage.add()
    answer = await stage.push(task_id)

    assert servers_own == [number]
    assert answer.status_code == 503
    assert len(stage.script.runs) == 1
    assert (await stage.task(task_id)).state is State.QUEUED


async def test_a_run_that_outlasts_the_grace_is_released_at_no_cost(servers_own, stage):
    running = asyncio.Event()

    async def forever():
        running.set()
        await asyncio.Event().wait()

    script = Script(forever)
    function = staged_function(script, stage.ledger, SETTINGS, grace_seconds=0.05)
    async with calling(function) as stage.client:
        task_id = await stage.add()
        push = asyncio.create_task(stage.push(task_id))
        await running.wait()
        signal.raise_signal(signal.SIGTERM)
        answer = await asyncio.wait_for(push, 5)

    task = await stage.task(task_id)
    assert answer.status_code == 503
    assert (task.state, task.attempt) == (State.RETRYING, 0)
    assert [attempt.outcome for attempt in task.attempts] == ["released"]


async def test_a_run_that_ends_within_the_grace_is_recorded(servers_own, stage):
    running, go_on = asyncio.Event(), asyncio.Event()

    async def wait():
        running.set()
        await go_on.wait()
        return "done"

    stage.script.behaviour = wait
    task_id = await stage.add()
    push = asyncio.create_task(stage.push(task_id))
    await running.wait()
    signal.raise_signal(signal.SIGTERM)
    go_on.set()

    assert (await push).status_code == 204
    assert (await stage.task(task_id)).result == "done"


async def test_two_signals_drain_once(servers_own):
    drained = []

    async def drain():
        drained.append(1)

    when_told_to_stop(drain)
    for _ in range(3):
        signal.raise_signal(signal.SIGTERM)
    await asyncio.sleep(0.01)

    assert drained == [1]
    assert servers_own == [signal.SIGTERM] * 3


async def test_a_signal_without_a_handler_is_left_alone():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    async def drain():
        raise AssertionError

    when_told_to_stop(drain)

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_off_the_main_thread_no_signal_is_touched():
    before = signal.getsignal(signal.SIGTERM)

    def chain():
        async def drain():
            raise AssertionError

        async def main():
            when_told_to_stop(drain)

        asyncio.run(main())

    await asyncio.to_thread(chain)

    assert signal.getsignal(signal.SIGTERM) is before
