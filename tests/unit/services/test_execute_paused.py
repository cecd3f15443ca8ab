"""Deliveries of a paused type: acked once the task is held, run once when the pause is over."""

from shared.adapters.memory_desk import MemoryAudit, MemoryPauses
from shared.domain.settlement import Answer
from shared.domain.task import Refusal, State
from tests.unit.services.test_execute import Bench


def paused_bench() -> tuple[Bench, MemoryPauses]:
    bench = Bench()
    return bench, MemoryPauses(bench.ledger, MemoryAudit(bench.ledger))


async def test_a_delivery_of_a_paused_type_is_acked_and_its_task_is_held():
    bench, pauses = paused_bench()
    delivery = await bench.add()
    await pauses.pause("greet", reason="", actor="local")

    told = [await bench.service.execute(delivery) for _ in range(3)]

    assert [one.answer for one in told] == [Answer.ACK] * 3
    assert [one.refusal for one in told] == [Refusal.PAUSED, Refusal.NOT_YET, Refusal.NOT_YET]
    row = await bench.row()
    assert (row.state, row.attempt, row.attempts, bench.runs) == (State.SCHEDULED, 0, (), [])


async def test_what_was_held_runs_once_after_the_pause():
    bench, pauses = paused_bench()
    delivery = await bench.add()
    await pauses.pause("greet", reason="", actor="local")
    await bench.service.execute(delivery)

    await pauses.resume("greet", actor="local")
    assert len(await pauses.release(["greet"], 10)) == 1
    await bench.service.execute(delivery)

    assert ((await bench.row()).state, len(bench.runs)) == (State.SUCCEEDED, 1)


async def test_a_delivery_whose_pause_ends_before_it_is_held_comes_again():
    bench, pauses = paused_bench()
    delivery = await bench.add()
    await pauses.pause("greet", reason="", actor="local")
    hold = bench.ledger.hold

    async def resumed_before(*of):
        await pauses.resume("greet", actor="local")
        return await hold(*of)

    bench.ledger.hold = resumed_before  # the moment between the refusal and the hold
    told = await bench.service.execute(delivery)

    assert told.answer is Answer.NACK
    assert (await bench.row()).state is State.QUEUED
