"""One delivery through claim, handler, finish and answer, on the in-memory ledger."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from uuid_utils.compat import uuid7

from shared.adapters.memory import MemoryLedger
from shared.domain.envelope import Delivery, message_of
from shared.domain.errors import LedgerUnavailable
from shared.domain.outcome import RejectTask, RetryLater, Snooze
from shared.domain.settlement import Answer
from shared.domain.task import NewTask, Outgoing, Refusal, State
from shared.services.execute import ExecuteService
from shared.services.patience import HOLD_SECONDS
from tests.support.clock import FakeClock
from tests.support.task_types import greeting_type


class Bench:
    """An execute service with a handler that the test chooses, and one stored task."""

    def __init__(self, handle=None, hold_seconds=HOLD_SECONDS, **limits) -> None:
        self.clock = FakeClock()
        self.ledger = MemoryLedger(self.clock)
        self.runs = []
        self.handle = handle or (lambda payload, claim: "done")
        self.service = ExecuteService(
            greeting_type(**limits),
            self._handle,
            self.ledger,
            chance=lambda: 0.5,
            hold_seconds=hold_seconds,
        )

    async def _handle(self, payload, run):
        self.runs.append((payload, run.claim))
        result = self.handle(payload, run.claim)
        return await result if asyncio.iscoroutine(result) else result

    async def add(self, **changes) -> Delivery:
        values = {"id": uuid7(), "task_type": "greet", "payload": {"name": "Ada"}}
        task = NewTask(**{**values, "traceparent": "", **changes})
        [stored] = await self.ledger.add([task])
        sent = Outgoing(task.id, 0, task.task_type, stored.created_at, "")
        message = message_of(sent, "tasks-greet")
        return Delivery("1", "s", message.data, message.attributes, delivery_attempt=1)

    async def row(self):
        from shared.domain.ports import TaskFilter

        [task] = await self.ledger.find(TaskFilter(), after=None, limit=2)
        return await self.ledger.get(task.id)


def raising(error):
    def handle(payload, claim):
        raise error

    return handle


async def test_a_handler_that_returns_makes_the_task_succeeded():
    bench = Bench(lambda payload, claim: {"hello": payload.name})
    done = await bench.service.execute(await bench.add())
    row = await bench.row()
    assert (done.answer, row.state, row.result) == (
        Answer.ACK,
        State.SUCCEEDED,
        {"hello": "Ada"},
    )


async def test_a_failure_is_nacked_and_keeps_its_error():
    bench = Bench(raising(ValueError("no luck")))
    done = await bench.service.execute(await bench.add())
    row = await bench.row()
    assert (done.answer, row.state) == (Answer.NACK, State.RETRYING)
    assert row.error == {"kind": "ValueError", "message": "no luck"}


async def test_a_reject_is_dead_at_once():
    bench = Bench(raising(RejectTask("never")))
    done = await bench.service.execute(await bench.add())
    assert (done.answer, (await bench.row()).state) == (Answer.ACK, State.DEAD)


async def test_retry_later_schedules_the_task():
    bench = Bench(raising(RetryLater(30)))
    done = await bench.service.execute(await bench.add())
    row = await bench.row()
    assert (done.answer, row.state) == (Answer.ACK, State.SCHEDULED)
    assert row.due_at == bench.clock() + timedelta(seconds=30)


async def test_snooze_schedules_the_task_and_gives_the_attempt_back():
    until = datetime(2027, 5, 1, tzinfo=UTC)
    bench = Bench(raising(Snooze(until)))
    await bench.service.execute(await bench.add())
    row = await bench.row()
    assert (row.state, row.due_at, row.attempt) == (State.SCHEDULED, until, 0)


async def test_a_duplicate_delivery_does_not_run_the_handler_again():
    bench = Bench()
    delivery = await bench.add()
    await bench.service.execute(delivery)
    again = await bench.service.execute(delivery)
    assert (again.answer, again.refusal, len(bench.runs)) == (Answer.ACK, Refusal.FINAL, 1)


async def test_twenty_deliveries_at_once_run_the_handler_once():
    release = asyncio.Event()
    bench = Bench(lambda payload, claim: release.wait())
    delivery = await bench.add()
    deliveries = [asyncio.ensure_future(bench.service.execute(delivery)) for _ in range(20)]
    done, _ = await asyncio.wait(deliveries, return_when=asyncio.FIRST_COMPLETED)
    release.set()
    answers = await asyncio.gather(*deliveries)
    assert {a.answer for a in answers} == {Answer.ACK}
    assert len(bench.runs) == 1


async def test_a_payload_that_no_longer_validates_is_dead_and_never_handled():
    bench = Bench()
    done = await bench.service.execute(await bench.add(payload={"old": 1}))
    row = await bench.row()
    assert (done.answer, row.state, bench.runs) == (Answer.ACK, State.DEAD, [])
    assert row.error["kind"] == "InvalidPayload"


async def test_an_unknown_task_is_acked_and_kept_on_the_desk():
    bench = Bench()
    delivery = await bench.add()
    bench.ledger._rows.clear()
    done = await bench.service.execute(delivery)
    assert done.answer is Answer.ACK
    assert bench.ledger.desk["1"].reason == "no task has this id"


async def test_an_undecodable_envelope_is_acked_and_kept_raw():
    bench = Bench()
    done = await bench.service.execute(Delivery("7", "s", b"\xff\xfe", {}))
    assert done.answer is Answer.ACK
    assert bench.ledger.desk["7"].delivery.data == b"\xff\xfe"


async def test_a_message_of_another_type_is_kept_on_the_desk():
    bench = Bench()
    done = await bench.service.execute(await bench.add(task_type="other"))
    assert (done.answer, bench.runs) == (Answer.ACK, [])
    assert "other" in bench.ledger.desk["1"].reason


async def test_a_run_over_its_time_limit_is_a_failure():
    never = asyncio.Event()
    bench = Bench(lambda payload, claim: never.wait(), time_limit_seconds=1)
    done = await bench.service.execute(await bench.add())
    assert done.answer is Answer.NACK
    assert (await bench.row()).error["kind"] == "TimeLimitExceeded"


@pytest.mark.parametrize(
    ("result", "kind"),
    [(object(), "ResultNotJson"), ("a\0", "ResultNotJson"), ("x" * 1_000_001, "ResultTooLarge")],
)
async def test_a_result_that_no_row_can_hold_is_a_failure(result, kind):
    bench = Bench(lambda payload, claim: result)
    await bench.service.execute(await bench.add())
    row = await bench.row()
    assert (row.state, row.error["kind"]) == (State.RETRYING, kind)


async def test_a_late_result_is_acked_and_changes_nothing():
    bench = Bench()

    async def overtaken(payload, claim):
        bench.clock.advance(31)
        await bench.ledger.claim(claim.task_id, 0, greeting_type())
        return "late"

    bench.handle = overtaken
    done = await bench.service.execute(await bench.add())
    row = await bench.row()
    assert (done.answer, done.lease_lost, row.state) == (Answer.ACK, True, State.RUNNING)


async def test_an_outcome_waits_out_a_ledger_that_is_away():
    bench = Bench()
    finish, failures = bench.ledger.finish, iter([True, False])

    async def away_once(claim, settlement):
        if next(failures):
            raise LedgerUnavailable("away")
        return await finish(claim, settlement)

    bench.ledger.finish = away_once
    done = await bench.service.execute(await bench.add())
    assert (done.answer, (await bench.row()).state) == (Answer.ACK, State.SUCCEEDED)


class Away:
    """A ledger that does not answer the first claims."""

    def __init__(self, bench, failures):
        self._claim, self.failures, self.asked = bench.ledger.claim, failures, 0
        self.first = asyncio.Event()
        bench.ledger.claim = self.claim

    async def claim(self, *asked):
        self.asked += 1
        self.first.set()
        if self.asked <= self.failures:
            raise LedgerUnavailable("away")
        return await self._claim(*asked)


async def test_a_delivery_is_held_while_the_ledger_is_away_and_runs_when_it_is_back():
    bench = Bench()
    away = Away(bench, failures=1)
    done = await bench.service.execute(await bench.add())
    assert (done.answer, away.asked, len(bench.runs)) == (Answer.ACK, 2, 1)


async def test_a_ledger_that_stays_away_gives_the_delivery_back():
    bench = Bench(hold_seconds=0)
    away = Away(bench, failures=100)
    with pytest.raises(LedgerUnavailable):
        await bench.service.execute(await bench.add())
    assert (away.asked, bench.runs) == (1, [])


async def test_who_drains_holds_no_delivery():
    bench = Bench()
    away = Away(bench, failures=100)
    held = asyncio.ensure_future(bench.service.execute(await bench.add()))
    await away.first.wait()
    await bench.service.drain(0)
    with pytest.raises(LedgerUnavailable):
        await held
    assert away.asked <= 2


async def test_an_outcome_whose_answer_was_lost_is_answered_as_it_was_recorded():
    def fail(payload, claim):
        raise ValueError("no")

    bench = Bench(fail)
    finish, lost = bench.ledger.finish, iter([True, False])

    async def recorded_but_not_heard(claim, settlement):
        state = await finish(claim, settlement)
        if next(lost):
            raise LedgerUnavailable("cut off")
        return state

    bench.ledger.finish = recorded_but_not_heard
    done = await bench.service.execute(await bench.add())
    assert (done.answer, done.lease_lost) == (Answer.NACK, False)
    assert (await bench.row()).state is State.RETRYING


async def test_draining_releases_a_run_that_does_not_end_and_claims_no_more():
    started, never = asyncio.Event(), asyncio.Event()

    async def handle(payload, claim):
        started.set()
        await never.wait()

    bench = Bench(handle)
    delivery = await bench.add()
    running = asyncio.ensure_future(bench.service.execute(delivery))
    await started.wait()
    await bench.service.drain(0)
    done = await running
    row = await bench.row()
    assert (done.answer, row.state, row.attempt) == (Answer.NACK, State.RETRYING, 0)
    assert row.attempts[0].outcome == "released"
    assert (await bench.service.execute(delivery)).answer is Answer.NACK
    assert len(bench.runs) == 1


async def test_draining_lets_a_run_end_within_its_grace():
    started, go_on = asyncio.Event(), asyncio.Event()

    async def handle(payload, claim):
        started.set()
        await go_on.wait()
        return "in time"

    bench = Bench(handle)
    running = asyncio.ensure_future(bench.service.execute(await bench.add()))
    await started.wait()
    draining = asyncio.ensure_future(bench.service.drain(5))
    go_on.set()
    await draining
    assert (await running).answer is Answer.ACK
    assert (await bench.row()).result == "in time"


async def test_an_always_failing_task_runs_exactly_its_attempts_then_is_dead():
    bench = Bench(raising(ValueError("no")))
    delivery = await bench.add()
    answers = []
    for n in range(1, 8):
        attempt = Delivery("1", "s", delivery.data, delivery.attributes, delivery_attempt=n)
        answers.append((await bench.service.execute(attempt)).answer)
    row = await bench.row()
    assert (len(bench.runs), row.state, row.attempt) == (5, State.DEAD, 5)
    assert answers == [Answer.NACK] * 4 + [Answer.ACK] * 3
    assert len(await bench.ledger.take_copies(10)) == 1


async def test_an_always_failing_ledger_type_is_held_between_attempts_and_copied_once():
    bench = Bench(raising(ValueError("no")), retry={"by": "ledger"})
    delivery = await bench.add()
    for _ in range(5):
        await bench.service.execute(delivery)
        assert (await bench.service.execute(delivery)).answer is Answer.ACK
        bench.clock.advance(601)
        await bench.ledger.take_due({"greet": 5}, 10)
    assert (len(bench.runs), (await bench.row()).state) == (5, State.DEAD)
    assert len(await bench.ledger.take_copies(10)) == 1


async def test_a_row_that_changed_under_the_claim_is_delivered_again():
    bench = Bench()
    delivery = await bench.add()

    async def contended(task_id, generation, task_type):
        return Refusal.CONTENDED

    bench.ledger.claim = contended
    assert (await bench.service.execute(delivery)).answer is Answer.NACK
    assert bench.runs == []


async def test_the_lease_is_renewed_from_the_claim_until_the_outcome_is_recorded():
    seen = []
    bench = Bench(lambda payload, claim: seen.append("handler"))
    finish = bench.ledger.finish

    @asynccontextmanager
    async def renewing(claim, time_limit_seconds, on_cancel):
        seen.append(f"renewing up to {time_limit_seconds}")
        yield
        seen.append("over")

    async def finishing(claim, settlement):
        seen.append("finish")
        return await finish(claim, settlement)

    bench.ledger.renewing, bench.ledger.finish = renewing, finishing
    await bench.service.execute(await bench.add())
    assert seen == ["renewing up to 60", "handler", "finish", "over"]


async def test_an_error_s_text_is_kept_in_a_form_and_size_that_a_row_can_hold():
    bench = Bench(raising(ValueError("\0\ud800" + "x" * 5000)))
    await bench.service.execute(await bench.add())
    message = (await bench.row()).error["message"]
    assert len(message) == 2000
    assert message.startswith("\\0\\ud800xx")
