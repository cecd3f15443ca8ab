"""Watching tasks on the in-memory ledger: what is shown, when it ends, and what many cost."""

import asyncio
from contextlib import aclosing
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.adapters.memory import MemoryLedger
from shared.domain.errors import LedgerUnavailable, TaskNotFound, TooManyWatchers
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import NewTask, State
from shared.services import watch as module
from shared.services.watch import WatchService
from tests.support.task_types import greeting_type

SUCCESS = Settlement(State.SUCCEEDED, "succeeded", Answer.ACK, result={"said": "hello"})


class CountedLedger(MemoryLedger):
    """Counts its reads."""

    def __init__(self) -> None:
        super().__init__()
        self.glimpses: list[int] = []
        self.gets = 0
        self.away = False

    async def glimpse(self, task_ids):
        self.glimpses.append(len(task_ids))
        if self.away:
            raise LedgerUnavailable("away")
        return await super().glimpse(task_ids)

    async def get(self, task_id):
        self.gets += 1
        return await super().get(task_id)

    async def new(self) -> UUID:
        task = NewTask(uuid7(), "greet", {"name": "Ada"}, "")
        await self.add([task])
        return task.id


@pytest.fixture
def ledger():
    return CountedLedger()


@pytest.fixture
def service(ledger):
    return WatchService(ledger, every_seconds=0.01)


class Seen:
    """What a watcher has seen so far."""

    def __init__(self, watch) -> None:
        self.all = []
        self._news = asyncio.Condition()
        self.over = asyncio.ensure_future(self._collect(watch))

    async def _collect(self, watch) -> None:
        async for one in watch:
            async with self._news:
                self.all.append(one)
                self._news.notify_all()

    async def count(self, n: int) -> None:
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: len(self.all) >= n)

    async def ended(self) -> list:
        await asyncio.wait_for(self.over, 5)
        return self.all


async def test_each_change_is_shown_until_the_task_is_final(ledger, service):
    task_id = await ledger.new()
    seen = Seen(service.watch(str(task_id)))
    await seen.count(1)
    claim = await ledger.claim(task_id, 0, greeting_type())
    await seen.count(2)
    await ledger.say_progress(claim, 40, "half")
    await seen.count(3)
    await ledger.cancel(task_id)
    await seen.count(4)
    await ledger.finish(claim, SUCCESS)
    shown = await seen.ended()
    assert [one.task.state for one in shown] == ["queued", *["running"] * 3, "succeeded"]
    assert [one.only_progress for one in shown] == [False, False, True, False, False]
    assert shown[2].task.progress.text == "half"
    assert shown[-1].task.result == {"said": "hello"}
    assert len({one.mark for one in shown}) == 5


async def test_a_final_task_is_shown_once_and_not_again_to_who_has_seen_it(ledger, service):
    task_id = await ledger.new()
    await ledger.cancel(task_id)
    [only] = [one async for one in service.watch(str(task_id))]
    assert [one async for one in service.watch(str(task_id), known=only.mark)] == []


async def test_who_comes_again_is_told_at_once_that_nothing_has_changed(ledger, service):
    task_id = await ledger.new()
    async with aclosing(service.watch(str(task_id))) as first:
        mark = (await anext(first)).mark
    seen = Seen(service.watch(str(task_id), known=mark))
    await seen.count(1)
    assert seen.all == [None]
    await ledger.cancel(task_id)
    assert [one and one.task.state for one in await seen.ended()] == [None, "cancelled"]


async def test_silence_is_broken_by_a_beat(ledger, service):
    seen = Seen(service.watch(str(await ledger.new()), beat_seconds=0.02))
    await seen.count(4)
    assert seen.all[1:4] == [None, None, None]
    seen.over.cancel()


async def test_a_hundred_watchers_of_a_task_cost_one_read(ledger, service):
    task_id = await ledger.new()
    all_seen = [Seen(service.watch(str(task_id))) for _ in range(100)]
    for seen in all_seen:
        await seen.count(1)
    gets = ledger.gets
    await ledger.cancel(task_id)
    for seen in all_seen:
        assert (await seen.ended())[-1].task.state is State.CANCELLED
    assert set(ledger.glimpses) == {1}
    assert ledger.gets - gets <= 3  # `cancel` itself, the first look, the change


async def test_many_tasks_are_looked_at_in_one_read(ledger, service):
    ids = [await ledger.new() for _ in range(50)]
    all_seen = [Seen(service.watch(str(one))) for one in ids]
    for seen in all_seen:
        await seen.count(1)
    looks = len(ledger.glimpses)
    await asyncio.sleep(0.1)
    assert len(ledger.glimpses) - looks <= 11
    assert ledger.glimpses[-1] == 50
    for seen in all_seen:
        seen.over.cancel()


async def test_nothing_is_read_while_nobody_watches(ledger, service):
    task_id = await ledger.new()
    await ledger.cancel(task_id)
    assert len([one async for one in service.watch(str(task_id))]) == 1
    await asyncio.sleep(0.05)
    looks = len(ledger.glimpses)
    await asyncio.sleep(0.05)
    assert len(ledger.glimpses) == looks
    assert (service._count, dict(service._watchers), service._seen) == (0, {}, {})


async def test_a_watcher_waits_out_a_ledger_that_is_away(ledger, service):
    task_id = await ledger.new()
    seen = Seen(service.watch(str(task_id)))
    await seen.count(1)
    ledger.away = True
    looks = len(ledger.glimpses)
    async with asyncio.timeout(5):
        while len(ledger.glimpses) < looks + 2:  # noqa: ASYNC110 - polled, with a limit
            await asyncio.sleep(0.01)
    await ledger.cancel(task_id)
    ledger.away = False
    assert (await seen.ended())[-1].task.state is State.CANCELLED


@pytest.mark.parametrize("name", ["nonsense", "019aae00-0000-7000-8000-000000000000"])
async def test_an_unknown_task_is_refused(service, name):
    with pytest.raises(TaskNotFound):
        await anext(service.watch(name))
    assert service._count == 0


async def test_there_is_an_end_to_how_many_may_watch(ledger, service, monkeypatch):
    monkeypatch.setattr(module, "MAX_WATCHERS", 1)
    task_id = str(await ledger.new())
    async with aclosing(service.watch(task_id)) as first:
        await anext(first)
        with pytest.raises(TooManyWatchers, match="1 watchers"):
            await anext(service.watch(task_id))
    async with aclosing(service.watch(task_id)) as later:
        assert await anext(later)


async def test_a_watch_ends_after_its_time_and_when_the_process_stops(ledger):
    task_id = str(await ledger.new())
    short = WatchService(ledger, every_seconds=0.01, stream_seconds=0.05)
    assert len(await Seen(short.watch(task_id)).ended()) <= 2

    service = WatchService(ledger, every_seconds=0.01)
    seen = Seen(service.watch(task_id))
    await seen.count(1)
    await service.stop()
    await seen.ended()
