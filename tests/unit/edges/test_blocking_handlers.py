"""A handler that is a plain `def` runs in a thread of its own; nothing waits for nothing."""

import logging
import threading

import pytest

from shared.bootstrap import Runner
from shared.domain.outcome import RejectTask
from shared.domain.task import State
from shared.edges.blocking import in_thread
from shared.edges.task_function import task_function
from shared.readiness import Readiness
from shared.services.execute import ExecuteService
from tests.support.push import calling
from tests.support.task_types import greeting_type
from tests.unit.edges.stage import SETTINGS


async def run_blocking(stage, handler):
    """Deliver one task of the stage's ledger to a function with this handler."""

    def open_runner(name, handle):
        task_type = greeting_type(name)
        service = ExecuteService(task_type, handle, stage.ledger)
        return Runner(SETTINGS, task_type, service, Readiness())

    stage.client = None
    async with calling(task_function("greet", handler, open_runner=open_runner)) as client:
        stage.client = client
        task_id = await stage.add()
        answer = await stage.push(task_id)
    return answer, await stage.task(task_id)


async def test_a_plain_function_is_a_handler_too(stage):
    threads = []

    def greet(payload, context):
        threads.append(threading.current_thread())
        return {"said": payload.name, "attempt": context.attempt}

    answer, task = await run_blocking(stage, greet)

    assert (answer.status_code, task.result) == (204, {"said": "Ada", "attempt": 1})
    assert threads[0] is not threading.main_thread()
    assert threads[0].daemon


async def test_what_a_plain_function_raises_is_its_verdict(stage):
    def greet(payload, context):
        raise RejectTask("nobody there")

    answer, task = await run_blocking(stage, greet)

    assert (answer.status_code, task.state) == (204, State.DEAD)


async def test_a_plain_functions_own_lines_carry_its_task(stage, log_lines):
    def greet(payload, context):
        logging.getLogger("mail").info("from a thread")

    _, task = await run_blocking(stage, greet)

    [line] = [x for x in log_lines() if x["message"] == "from a thread"]
    assert line["task_id"] == str(task.id)


async def test_blocking_calls_do_not_wait_for_each_other():
    barrier = threading.Barrier(80, timeout=10)

    import asyncio

    positions = await asyncio.gather(*(in_thread(barrier.wait) for _ in range(80)))

    assert sorted(positions) == list(range(80))


async def test_stop_iteration_out_of_a_thread_is_an_error_like_another():
    def exhausted():
        return next(iter([]))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await in_thread(exhausted)
