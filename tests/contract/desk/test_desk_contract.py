"""What every dead-letter desk does."""

from uuid_utils.compat import uuid7

from shared.domain.desk import Redrive
from shared.domain.envelope import Delivery
from shared.domain.ledger_rules import RETURN_DELAYS_SECONDS
from shared.domain.ports import DeskEntry
from shared.domain.task import Refusal, State
from tests.support.task_types import greeting_type

NOBODY = uuid7()


async def test_a_redriven_task_is_queued_at_its_next_generation_as_if_it_were_new(bench):
    task_id = await bench.dead()

    [moved] = await bench.desk.redrive([Redrive(task_id, 0)])

    task = await bench.task(task_id)
    assert (moved.id, moved.generation, moved.task_type) == (task_id, 1, "greet")
    assert (task.state, task.generation, task.attempt) == (State.QUEUED, 1, 0)
    assert (task.error, task.started_at, task.finished_at) == (None, None, None)
    assert [(a.generation, a.outcome) for a in task.attempts] == [(0, "rejected")]


async def test_a_redriven_task_runs_under_its_new_generation_only(bench):
    task_id = await bench.dead()
    await bench.desk.redrive([Redrive(task_id, 0)])

    old = await bench.ledger.claim(task_id, 0, greeting_type())
    assert old is Refusal.STALE_GENERATION
    assert (await bench.claim(task_id, 1)).attempt == 1


async def test_a_redrive_that_nobody_publishes_is_brought_back_by_the_relay(bench):
    task_id = await bench.dead()
    await bench.desk.redrive([Redrive(task_id, 0)])

    assert await bench.ledger.take_due({"greet": 5}, 10) == []
    await bench.pass_time(3)
    [due] = await bench.ledger.take_due({"greet": 5}, 10)
    assert (due.id, due.generation) == (task_id, 1)


async def test_a_redrive_seen_in_an_earlier_generation_moves_nothing(bench):
    task_id = await bench.dead()
    await bench.desk.redrive([Redrive(task_id, 0)])
    await bench.bury(task_id, generation=1)

    assert await bench.desk.redrive([Redrive(task_id, 0)]) == []
    assert await bench.state(task_id) is State.DEAD


async def test_only_dead_tasks_are_redriven(bench):
    queued, running = await bench.add(), await bench.add()
    await bench.claim(running)

    asked = [Redrive(queued, 0), Redrive(running, 0), Redrive(NOBODY, 0)]
    assert await bench.desk.redrive(asked) == []
    assert await bench.state(queued) is State.QUEUED
    assert await bench.state(running) is State.RUNNING


async def test_a_redrive_may_bring_another_payload(bench):
    task_id = await bench.dead()

    await bench.desk.redrive([Redrive(task_id, 0, {"name": "Bob"})])

    assert (await bench.claim(task_id, 1)).payload == {"name": "Bob"}


async def test_the_returns_of_a_redriven_task_count_from_zero(bench):
    """Else a task that once was given back three times would die at the first dead letter."""
    task_id = await bench.add()
    for seconds in RETURN_DELAYS_SECONDS:
        assert await bench.ledger.give_back(task_id, 0, 5) is State.SCHEDULED
        await bench.pass_time(seconds + 1)
        await bench.ledger.take_due({"greet": 5}, 10)
    assert await bench.ledger.give_back(task_id, 0, 5) is State.DEAD

    await bench.desk.redrive([Redrive(task_id, 0)])

    assert await bench.ledger.give_back(task_id, 1, 5) is State.SCHEDULED


async def test_a_redrive_with_an_actor_is_in_the_audit(bench):
    task_id = await bench.dead()
    await bench.desk.redrive([Redrive(task_id, 0, {"name": "Bob"})], actor="key:1")
    await bench.desk.redrive([Redrive(task_id, 0)], actor="key:2")

    [line] = await bench.audit.lines(before=None, limit=10)
    assert (line.actor, line.action) == ("key:1", "redrive")
    assert line.detail == {"task_id": str(task_id), "payload_changed": True}


async def test_a_discarded_task_is_cancelled_and_keeps_its_error(bench):
    task_id, queued = await bench.dead("what was wrong"), await bench.add()

    await bench.desk.discard([Redrive(task_id, 0), Redrive(queued, 0), Redrive(NOBODY, 0)])

    task = await bench.task(task_id)
    assert (task.state, task.error["message"]) == (State.CANCELLED, "what was wrong")
    assert await bench.state(queued) is State.QUEUED


async def test_dead_tasks_are_listed_newest_first_and_page_by_page(bench):
    ids = [await bench.dead(f"error {n}") for n in range(3)]
    await bench.add()

    first = await bench.desk.dead(None, after=None, limit=2)
    second = await bench.desk.dead(None, after=first[-1].id, limit=2)

    assert [task.id for task in first + second] == ids[::-1]
    assert first[0].error == {"kind": "Wrong", "message": "error 2"}
    assert await bench.desk.dead("other", after=None, limit=2) == []


def entry(number: int, reason: str = "cannot be decoded") -> DeskEntry:
    delivery = Delivery(f"m/{number}", "a-subscription", b"\xff\x00", {"a": "b"}, 3, "key")
    return DeskEntry(delivery, reason)


async def test_raw_deliveries_are_listed_as_they_came_newest_first(bench):
    for number in range(3):
        await bench.ledger.keep_on_desk(entry(number))
        await bench.pass_time(1)

    first = await bench.desk.raw(after=None, limit=2)
    rest = await bench.desk.raw(after=first[-1].message_id, limit=2)

    assert [one.message_id for one in first + rest] == ["m/2", "m/1", "m/0"]
    newest = first[0]
    assert (newest.data, newest.attributes, newest.delivery_attempt) == (b"\xff\x00", {"a": "b"}, 3)
    assert (newest.subscription, newest.ordering_key) == ("a-subscription", "key")
    assert newest.reason == "cannot be decoded"


async def test_discarded_raw_deliveries_are_gone_and_audited(bench):
    for number in range(3):
        await bench.ledger.keep_on_desk(entry(number))

    assert await bench.desk.discard_raw(["m/0", "m/2", "m/9"], actor="local") == 2
    assert await bench.desk.discard_raw(["m/0"], actor="local") == 0

    assert [one.message_id for one in await bench.desk.raw(after=None, limit=9)] == ["m/1"]
    [line] = await bench.audit.lines(before=None, limit=10)
    assert line.action == "discard_raw"
    assert sorted(line.detail["message_ids"]) == ["m/0", "m/2"]


async def test_the_audit_is_read_newest_first_and_page_by_page(bench):
    for name in ("one", "two", "three"):
        await bench.pauses.pause(name, reason="", actor="local")

    first = await bench.audit.lines(before=None, limit=2)
    rest = await bench.audit.lines(before=first[-1].id, limit=2)

    assert [line.detail["task_type"] for line in first + rest] == ["three", "two", "one"]
