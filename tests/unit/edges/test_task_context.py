"""What a handler can say and do through its context: in a task function, and made by hand."""

import asyncio
import time
from uuid import UUID

import pytest

from shared.bootstrap import Runner
from shared.domain.outcome import TaskCancelled
from shared.domain.task import State
from shared.edges.task_context import ByHand, TaskContext
from shared.edges.task_function import task_function
from shared.readiness import Readiness
from shared.services.execute import ExecuteService
from shared.settings import Settings
from tests.support.push import calling
from tests.unit.edges.stage import SETTINGS


def function_of(stage, handler, **limits):
    def open_runner(name, handle):
        service = ExecuteService(stage.task_type, handle, stage.ledger)
        readiness = Readiness({"postgres": stage.ledger.ping})
        return Runner(SETTINGS, stage.task_type, service, readiness)

    return task_function("greet", handler, open_runner=open_runner)


async def running(stage, task_id):
    async with asyncio.timeout(10):
        while (await stage.task(task_id)).state is not State.RUNNING:  # noqa: ASYNC110 - a thread's
            await asyncio.sleep(0.01)


async def cancelled_meanwhile(stage, handler):
    """The task whose handler is asked to stop while it runs, and the answer to its delivery."""
    async with calling(function_of(stage, handler)) as stage.client:
        task_id = await stage.add()
        push = asyncio.create_task(stage.push(task_id))
        await running(stage, task_id)
        await stage.ledger.cancel_all([task_id])
        answer = await asyncio.wait_for(push, 10)
    return answer.status_code, await stage.task(task_id)


async def test_an_async_handler_is_interrupted_and_may_clean_up(stage, log_lines):
    seen = []

    async def handler(payload, context):
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(context.cancelled)

    status, task = await cancelled_meanwhile(stage, handler)
    assert (status, task.state, seen) == (204, State.CANCELLED, [True])
    assert log_lines()[-1]["event"] == "task_stopped"


async def test_a_plain_handler_sees_that_it_shall_stop(stage):
    def handler(payload, context):
        while True:
            context.stop_if_cancelled()
            time.sleep(0.01)

    status, task = await cancelled_meanwhile(stage, handler)
    assert (status, task.state) == (204, State.CANCELLED)


async def test_a_plain_handler_that_does_not_look_has_its_result(stage):
    def handler(payload, context):
        while not context.cancelled:
            time.sleep(0.01)
        return "whole"

    status, task = await cancelled_meanwhile(stage, handler)
    assert (status, task.state, task.result) == (204, State.SUCCEEDED, "whole")


async def test_a_plain_handler_says_progress_and_does_an_effect_once(stage):
    sent = []

    def handler(payload, context):
        context.wait(context.progress(40, "half"))
        context.wait(context.once("mail", lambda: sent.append("mail")))
        if context.attempt == 1:
            raise ValueError("after the mail")
        return "done"

    async with calling(function_of(stage, handler)) as stage.client:
        task_id = await stage.add()
        assert (await stage.push(task_id)).status_code == 503
        assert (await stage.task(task_id)).progress.text == "half"
        assert (await stage.push(task_id)).status_code == 204
    assert ((await stage.task(task_id)).result, sent) == ("done", ["mail"])


def by_hand(**run):
    run = ByHand(**run)
    return TaskContext(UUID(int=1), "greet", 1, 5, 0, "", Settings(), run=run), run


async def test_a_context_made_by_hand_remembers_what_was_said_and_done():
    context, run = by_hand()
    await context.progress(40, "half")
    outcomes = [await context.once("mail", lambda: len(run.said)) for _ in range(2)]
    assert (run.said, run.effects, outcomes) == ([(40, "half")], {"mail": 1}, [1, 1])
    assert not context.cancelled
    context.stop_if_cancelled()


def test_a_context_made_by_hand_can_be_cancelled_and_waits_without_a_loop():
    context, run = by_hand(cancelled=True)
    context.wait(context.progress(1))
    assert run.said == [(1, "")]
    with pytest.raises(TaskCancelled):
        context.stop_if_cancelled()
