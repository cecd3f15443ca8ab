"""Reading and cancelling tasks, on in-memory ports."""

import pytest

from shared.domain.errors import InvalidRequest, TaskNotFound, WrongState
from shared.domain.outcome import Failure
from shared.domain.ports import TaskFilter
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import State
from tests.support.memory_api import memory_api
from tests.support.task_types import greeting_type

ASKED = {"task_type": "greet", "payload": {"name": "Ada"}}


@pytest.fixture
def bench():
    return memory_api()


async def enqueued(bench) -> str:
    return str((await bench.api.enqueue.enqueue(ASKED, traceparent="")).id)


async def finished(bench, state=State.SUCCEEDED) -> str:
    task_id = await enqueued(bench)
    claim = await bench.ledger.claim((await bench.api.lookup.get(task_id)).id, 0, greeting_type())
    end = Settlement(state, "x", Answer.ACK, failure=Failure("a", "b"))
    await bench.ledger.finish(claim, end)
    return task_id


async def test_only_final_tasks_are_cached(bench):
    waiting, done = await enqueued(bench), await finished(bench)
    await bench.api.lookup.get(waiting)
    await bench.api.lookup.get(done)
    assert [str(key) for key in bench.cache._tasks] == [done]


async def test_a_cached_task_is_read_without_the_ledger(bench):
    done = await finished(bench)
    first = await bench.api.lookup.get(done)
    bench.ledger._rows.clear()
    assert await bench.api.lookup.get(done) == first


@pytest.mark.parametrize(
    "task_id", ["", "nonsense", "0192f2c4-0000-7000-8000-000000000000", "x" * 10_000]
)
async def test_an_id_that_is_none_is_not_found(bench, task_id):
    with pytest.raises(TaskNotFound):
        await bench.api.lookup.get(task_id)
    with pytest.raises(TaskNotFound):
        await bench.api.lookup.cancel(task_id)


async def test_pages_cover_everything_once(bench):
    ids = [await enqueued(bench) for _ in range(7)]
    seen, token = [], ""
    for _ in range(10):
        page = await bench.api.lookup.find(TaskFilter(), page_size=3, page_token=token)
        seen += [str(task.id) for task in page.tasks]
        token = page.next_page_token
        if not token:
            break
    assert seen == ids[::-1]


async def test_an_exact_last_page_has_no_token(bench):
    for _ in range(3):
        await enqueued(bench)
    assert (await bench.api.lookup.find(TaskFilter(), page_size=3)).next_page_token == ""


@pytest.mark.parametrize("token", ["x", "!!!", "AAAA", "A" * 27, "é"])
async def test_a_token_that_is_none_is_refused(bench, token):
    with pytest.raises(InvalidRequest):
        await bench.api.lookup.find(TaskFilter(), page_token=token)


async def test_a_token_of_another_listing_is_refused(bench):
    for _ in range(2):
        await enqueued(bench)
    token = (await bench.api.lookup.find(TaskFilter(), page_size=1)).next_page_token
    with pytest.raises(InvalidRequest, match="other filters"):
        await bench.api.lookup.find(TaskFilter(task_type="greet"), page_token=token)


@pytest.mark.parametrize("size", [-1, 501])
async def test_a_page_size_out_of_range_is_refused(bench, size):
    with pytest.raises(InvalidRequest):
        await bench.api.lookup.find(TaskFilter(), page_size=size)


async def test_cancelling_twice_is_no_error_and_a_finished_task_is_refused(bench):
    task_id = await enqueued(bench)
    for _ in range(2):
        assert (await bench.api.lookup.cancel(task_id)).state is State.CANCELLED
    with pytest.raises(WrongState, match="succeeded"):
        await bench.api.lookup.cancel(await finished(bench))
