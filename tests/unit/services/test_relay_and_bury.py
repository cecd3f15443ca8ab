"""The relay's rounds and the answer to dead letters, on in-memory ports."""

import pytest
from uuid_utils.compat import uuid7

from shared.adapters.memory import MemoryLedger, MemoryPublisher
from shared.domain.envelope import Delivery, message_of
from shared.domain.errors import LedgerUnavailable
from shared.domain.outcome import Failure
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import NewTask, Outgoing, State
from shared.services.bury import BuryService
from shared.services.relay import BATCH
from tests.support.clock import FakeClock
from tests.support.memory_relay import memory_relay
from tests.support.task_types import catalogue, greeting_type

DEAD = Settlement(State.DEAD, "rejected", Answer.ACK, failure=Failure("No", "no"), copy=True)

FAILED = Settlement(State.RETRYING, "failed", Answer.NACK, failure=Failure("No", "no"))


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ledger = MemoryLedger(self.clock)
        self.publisher = MemoryPublisher()
        types = catalogue()
        self.relay = memory_relay(self.ledger, self.publisher, types, project="p")
        self.bury = BuryService(types, self.ledger)

    async def add(self, task_type="greet"):
        task = NewTask(uuid7(), task_type, {"name": "Ada"}, "")
        [stored] = await self.ledger.add([task])
        return stored.id


@pytest.fixture
def bench():
    return Bench()


async def test_an_unconfirmed_task_is_published_once_and_then_left_alone(bench):
    await bench.add()
    bench.clock.advance(3)
    first = await bench.relay.round()
    bench.clock.advance(100)
    second = await bench.relay.round()
    assert (first.due, first.published, second.due) == (1, 1, 0)
    assert [m.topic for m in bench.publisher.messages] == ["tasks-greet"]


async def test_what_pubsub_does_not_confirm_stays_due(bench):
    await bench.add()
    bench.clock.advance(3)
    bench.publisher.reachable = False
    assert (await bench.relay.round()).published == 0
    bench.publisher.reachable = True
    bench.clock.advance(3)
    assert (await bench.relay.round()).published == 1


async def test_a_confirmed_backlog_is_never_published_again(bench):
    task_id = await bench.add()
    row = await bench.ledger.get(task_id)
    sent = Outgoing(row.id, 0, row.task_type, row.created_at, "")
    await bench.ledger.mark_published([sent])
    bench.clock.advance(30 * 86400)
    assert (await bench.relay.round()).due == 0


async def test_a_dead_letter_copy_goes_to_the_dead_letter_topic_once(bench):
    task_id = await bench.add()
    await bench.ledger.finish(await bench.ledger.claim(task_id, 0, greeting_type()), DEAD)
    await bench.relay.round()
    bench.clock.advance(100)
    await bench.relay.round()
    [message] = bench.publisher.messages
    assert message.topic == "tasks-greet-dead"
    assert message.attributes["CloudPubSubDeadLetterSourceSubscription"] == "tasks-greet-push"


async def test_a_copy_that_is_not_confirmed_is_tried_again(bench):
    task_id = await bench.add()
    await bench.ledger.finish(await bench.ledger.claim(task_id, 0, greeting_type()), DEAD)
    bench.publisher.reachable = False
    await bench.relay.round()
    bench.publisher.reachable = True
    bench.clock.advance(31)
    assert (await bench.relay.round()).copies_published == 1


async def test_run_ends_within_its_time(bench):
    total = await bench.relay.run(0)
    assert total.due == 0


def dead_letter(task_id, generation=0, task_type="greet"):
    sent = Outgoing(task_id, generation, task_type, FakeClock()(), "")
    message = message_of(sent, "t")
    return Delivery("9", "s", message.data, message.attributes)


async def test_a_dead_letter_with_attempts_left_goes_back_to_work(bench):
    task_id = await bench.add()
    burial = await bench.bury.bury(dead_letter(task_id))
    assert burial.state is State.SCHEDULED
    bench.clock.advance(61)
    assert (await bench.relay.round()).published == 1


async def test_a_dead_letter_of_a_dead_task_is_only_acknowledged(bench):
    task_id = await bench.add()
    await bench.ledger.finish(await bench.ledger.claim(task_id, 0, greeting_type()), DEAD)
    assert (await bench.bury.bury(dead_letter(task_id))).state is State.DEAD


@pytest.mark.parametrize("data", [b"nonsense", dead_letter(uuid7()).data])
async def test_a_dead_letter_that_no_row_answers_for_is_kept_on_the_desk(bench, data):
    burial = await bench.bury.bury(Delivery("9", "s", data, {}))
    assert burial.state is None
    assert bench.ledger.desk["9"].delivery.data == data


async def test_a_copy_of_a_type_that_is_gone_waits_and_holds_up_no_other(bench):
    for task_type in ("gone", "greet"):
        task_id = await bench.add(task_type)
        claim = await bench.ledger.claim(task_id, 0, greeting_type(task_type))
        await bench.ledger.finish(claim, DEAD)
    done = await bench.relay.round()
    assert (done.copies, done.copies_published) == (2, 1)
    assert [m.topic for m in bench.publisher.messages] == ["tasks-greet-dead"]
    bench.clock.advance(31)
    assert [copy.task.task_type for copy in await bench.ledger.take_copies(10)] == ["gone"]


async def test_a_full_round_is_followed_by_the_next_without_a_pause(bench):
    for _ in range(BATCH + 1):
        await bench.add()
    bench.clock.advance(3)
    total = await bench.relay.run(0.9)  # less than one pause
    assert total.published == BATCH + 1


async def test_a_dead_letter_is_judged_by_its_own_type_s_attempts():
    clock = FakeClock()
    ledger = MemoryLedger(clock)
    patient = greeting_type(max_attempts=6)
    bury = BuryService({"greet": patient}, ledger)
    [stored] = await ledger.add([NewTask(uuid7(), "greet", {"name": "Ada"}, "")])
    for _ in range(5):
        await ledger.finish(await ledger.claim(stored.id, 0, patient), FAILED)
    assert (await bury.bury(dead_letter(stored.id))).state is State.SCHEDULED


async def test_a_dead_letter_whose_attempts_are_spent_is_dead():
    ledger = MemoryLedger(FakeClock())
    bury = BuryService({"greet": greeting_type()}, ledger)
    [stored] = await ledger.add([NewTask(uuid7(), "greet", {"name": "Ada"}, "")])
    for _ in range(5):
        await ledger.finish(await ledger.claim(stored.id, 0, greeting_type()), FAILED)
    assert (await bury.bury(dead_letter(stored.id))).state is State.DEAD


async def test_a_dead_letter_is_held_while_the_ledger_is_away():
    ledger = MemoryLedger(FakeClock())
    bury = BuryService({"greet": greeting_type()}, ledger)
    [stored] = await ledger.add([NewTask(uuid7(), "greet", {"name": "Ada"}, "")])
    give_back, failures = ledger.give_back, iter([True, False])

    async def away_once(*asked):
        if next(failures):
            raise LedgerUnavailable("away")
        return await give_back(*asked)

    ledger.give_back = away_once
    assert (await bury.bury(dead_letter(stored.id))).state is State.SCHEDULED


async def test_a_burial_that_shall_end_waits_for_no_ledger():
    ledger = MemoryLedger(FakeClock())
    bury = BuryService({"greet": greeting_type()}, ledger)
    askings = []

    async def away(*asked):
        askings.append(asked)
        raise LedgerUnavailable("away")

    ledger.give_back = away
    bury.drain()
    with pytest.raises(LedgerUnavailable):
        await bury.bury(dead_letter(uuid7()))
    assert len(askings) == 1
