"""What a handler may say and do while it runs, and how it is stopped; on the in-memory ledger."""

import asyncio

import pytest
from uuid_utils.compat import uuid7

from shared.adapters.memory import MemoryLedger
from shared.domain.errors import LeaseLost, LedgerUnavailable
from shared.domain.outcome import RejectTask, TaskCancelled
from shared.domain.settlement import Answer
from shared.domain.task import Effect, NewTask, State
from shared.services.execute import ExecuteService
from shared.services.run import PROGRESS_PAUSE_SECONDS, Run
from tests.support.task_types import greeting_type
from tests.unit.services.test_execute import Bench as ExecuteBench


class Bench(ExecuteBench):
    """As the other, with a handler that gets the run."""

    def __init__(self, handle, **limits) -> None:
        super().__init__(**limits)
        self.service = ExecuteService(
            greeting_type(**limits), self._run, self.ledger, chance=lambda: 0.5
        )
        self.work, self.last = handle, None

    async def _run(self, payload, run):
        self.runs.append((payload, run.claim))
        self.last = run
        return await self.work(run)

    async def cancel(self):
        return await self.ledger.cancel_all([(await self.row()).id])


async def begun(bench, started):
    """The execution under way, once the handler has set `started`."""
    running = asyncio.ensure_future(bench.service.execute(await bench.add()))
    await asyncio.wait_for(started.wait(), 5)
    return running


def interrupted(started, then=None):
    """A handler that waits for ever, and does `then` when it is interrupted."""

    async def handle(run):
        run.interrupt_with(asyncio.current_task().cancel)
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if then is None:
                raise
            return then()

    return handle


async def test_a_cancelled_run_is_interrupted_and_ends_cancelled():
    started = asyncio.Event()
    bench = Bench(interrupted(started))
    running = await begun(bench, started)
    assert await bench.cancel() == [State.RUNNING]
    done = await asyncio.wait_for(running, 5)
    row = await bench.row()
    assert (done.answer, row.state, row.attempts[0].outcome) == (
        Answer.ACK,
        State.CANCELLED,
        "cancelled",
    )


async def test_a_run_that_is_asked_to_stop_twice_is_interrupted_once():
    interruptions = []

    async def handle(run):
        run.interrupt_with(lambda: interruptions.append("now"))
        run.cancel()
        run.cancel()

    bench = Bench(handle)
    await bench.service.execute(await bench.add())

    assert interruptions == ["now"]


async def test_a_handler_that_finishes_in_spite_of_it_has_succeeded():
    started = asyncio.Event()
    bench = Bench(interrupted(started, then=lambda: "saved"))
    running = await begun(bench, started)
    await bench.cancel()
    done = await asyncio.wait_for(running, 5)
    row = await bench.row()
    assert (done.answer, row.state, row.result) == (Answer.ACK, State.SUCCEEDED, "saved")


async def test_a_run_that_fails_after_it_was_asked_to_stop_is_cancelled_and_acked():
    started = asyncio.Event()

    def fail():
        raise ValueError("torn down")

    bench = Bench(interrupted(started, then=fail))
    running = await begun(bench, started)
    await bench.cancel()
    done = await asyncio.wait_for(running, 5)
    row = await bench.row()
    assert (done.answer, done.settlement.outcome, row.state) == (
        Answer.ACK,
        "cancelled",
        State.CANCELLED,
    )
    assert row.error["kind"] == "ValueError"


async def test_a_handler_that_looks_by_itself_is_not_interrupted():
    started = asyncio.Event()

    async def handle(run):
        started.set()
        while not run.cancelled:  # noqa: ASYNC110 - as a thread would
            await asyncio.sleep(0)
        raise TaskCancelled("seen")

    bench = Bench(handle)
    running = await begun(bench, started)
    await bench.cancel()
    await asyncio.wait_for(running, 5)
    assert (await bench.row()).state is State.CANCELLED


async def test_stopping_without_having_been_cancelled_is_a_failure():
    async def handle(run):
        raise TaskCancelled("nobody asked")

    bench = Bench(handle)
    await bench.service.execute(await bench.add())
    assert (await bench.row()).state is State.RETRYING


async def test_a_cancel_before_the_handler_begins_interrupts_it_at_once():
    started = asyncio.Event()
    bench = Bench(interrupted(started))
    claim = bench.ledger.claim

    async def cancelled_meanwhile(*asked):
        got = await claim(*asked)
        await bench.cancel()
        return got

    bench.ledger.claim = cancelled_meanwhile
    await asyncio.wait_for(bench.service.execute(await bench.add()), 5)
    assert (await bench.row()).state is State.CANCELLED


class Oops(ValueError):
    """Something that is never worth another attempt."""


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (["Oops"], State.DEAD),
        (["ValueError"], State.DEAD),
        (["KeyError", "Oops"], State.DEAD),
        (["KeyError"], State.RETRYING),
        ([], State.RETRYING),
    ],
)
async def test_an_exception_of_a_class_that_is_not_retried_is_dead_at_once(names, state):
    async def handle(run):
        raise Oops("for good")

    bench = Bench(handle, non_retryable=names)
    await bench.service.execute(await bench.add())
    row = await bench.row()
    assert (row.state, row.error["kind"]) == (state, "Oops")


async def test_a_reject_is_a_reject_whatever_is_not_retried():
    async def handle(run):
        raise RejectTask("no")

    bench = Bench(handle, non_retryable=["Exception"])
    await bench.service.execute(await bench.add())
    assert (await bench.row()).attempts[0].outcome == "rejected"


# mode: long


async def test_a_long_run_is_acked_at_once_and_its_end_is_told():
    go_on, ends = asyncio.Event(), []

    async def handle(run):
        await go_on.wait()
        return "done"

    bench = Bench(handle, mode="long")
    delivery = await bench.add()
    done = await bench.service.execute(delivery, ends.append)
    assert (done.answer, done.goes_on, bench.service.holds) == (Answer.ACK, True, True)
    assert (await bench.row()).state is State.RUNNING
    go_on.set()
    await until(lambda: not bench.service.holds)
    assert (await bench.row()).result == "done"
    assert [(e.settlement.outcome, e.goes_on) for e in ends] == [("succeeded", False)]


async def test_a_long_run_of_700_s_is_renewed_and_has_no_second_run():
    """The message comes again after each ack deadline; the relay looks every minute."""
    go_on = asyncio.Event()

    async def handle(run):
        await go_on.wait()
        return "after 700 s"

    bench = Bench(handle, mode="long", time_limit_seconds=700)
    delivery = await bench.add()
    await bench.service.execute(delivery)
    await until(lambda: bench.last)
    claim = bench.last.claim
    for _ in range(70):
        bench.clock.advance(10)
        await bench.ledger.renew(claim)
        assert (await bench.service.execute(delivery)).answer is Answer.ACK
        assert await bench.ledger.take_due({"greet": 5}, 10) == []
    go_on.set()
    await until(lambda: not bench.service.holds)
    row = await bench.row()
    assert (len(bench.runs), row.state, row.attempt) == (1, State.SUCCEEDED, 1)


async def test_a_long_run_that_fails_is_brought_back_by_the_relay():
    async def handle(run):
        raise ValueError("no")

    bench = Bench(handle, mode="long")
    await bench.service.execute(await bench.add())
    await until(lambda: not bench.service.holds)
    assert (await bench.row()).state is State.RETRYING
    bench.clock.advance(601)
    assert len(await bench.ledger.take_due({"greet": 5}, 10)) == 1


async def test_a_long_run_is_released_when_the_process_stops():
    started = asyncio.Event()

    async def handle(run):
        started.set()
        await asyncio.Event().wait()

    bench = Bench(handle, mode="long")
    await bench.service.execute(await bench.add())
    await started.wait()
    await bench.service.drain(0)
    row = await bench.row()
    assert (row.state, row.attempt, bench.service.holds) == (State.RETRYING, 0, False)


# Progress


@pytest.fixture
async def held():
    """A run on a ledger, and the ledger, which counts the words that are written."""
    ledger = MemoryLedger()
    [stored] = await ledger.add([NewTask(uuid7(), "greet", {"name": "Ada"}, "")])
    claim = await ledger.claim(stored.id, 0, greeting_type())
    ledger.words, say = [], ledger.say_progress

    async def counted(claim, percent, text):
        ledger.words.append((percent, text))
        await say(claim, percent, text)

    ledger.say_progress = counted
    return Run(claim, ledger), ledger


async def test_progress_is_written_at_once_and_then_the_last_word_of_each_second(held):
    run, ledger = held
    for percent in range(100):
        await run.progress(percent, "going")
    assert ledger.words == [(0, "going")]
    await asyncio.sleep(PROGRESS_PAUSE_SECONDS * 1.1)
    assert ledger.words == [(0, "going"), (99, "going")]
    await run.close()


@pytest.fixture
async def hurried(held):
    """A run whose handler has said two words within the second: one is written, one waits."""
    run, ledger = held
    await run.progress(0, "begun")
    await run.progress(100, "done")
    return run, ledger


async def test_the_last_word_is_written_when_the_handler_ends_within_the_second(hurried):
    run, ledger = hurried
    await run.close()
    assert ledger.words == [(0, "begun"), (100, "done")]


async def test_a_word_that_the_end_of_the_handler_cuts_off_is_said_again(hurried):
    run, ledger = hurried
    say, held_up = ledger.say_progress, asyncio.Event()

    async def slow(*said):
        ledger.say_progress = say
        held_up.set()
        await asyncio.Event().wait()

    ledger.say_progress = slow
    await held_up.wait()
    await run.close()
    assert ledger.words == [(0, "begun"), (100, "done")]


async def test_a_run_that_lost_its_lease_ends_without_its_last_word(hurried):
    run, ledger = hurried
    ledger._rows[run.claim.task_id].token += 1
    await run.close()
    assert (await ledger.get(run.claim.task_id)).progress.percent == 0


async def test_a_ledger_that_is_away_is_no_reason_for_a_handler_to_fail(held):
    run, ledger = held

    async def away(*said):
        raise LedgerUnavailable("away")

    ledger.say_progress = away
    await run.progress(10)
    await run.close()


@pytest.mark.parametrize("percent", [-0.1, 100.1, float("nan"), float("inf")])
async def test_percent_out_of_range_is_refused(held, percent):
    with pytest.raises(ValueError, match="between 0 and 100"):
        await held[0].progress(percent)


async def test_progress_text_is_kept_in_a_form_and_size_that_a_row_can_hold(held):
    run, ledger = held
    await run.progress(1, "\0\ud800" + "x" * 500)
    [(_, text)] = ledger.words
    assert (len(text), text[:9]) == (200, "\\0\\ud800x")


async def test_progress_of_a_run_that_lost_its_lease_tells_the_handler(held):
    run, ledger = held
    ledger._rows[run.claim.task_id].token += 1
    with pytest.raises(LeaseLost):
        await run.progress(50)


async def test_a_lease_that_is_lost_between_two_words_is_told_by_the_next(held):
    run, ledger = held
    await run.progress(1)
    await run.progress(2)
    ledger._rows[run.claim.task_id].token += 1
    await asyncio.sleep(PROGRESS_PAUSE_SECONDS * 1.1)
    with pytest.raises(LeaseLost):
        await run.progress(3)
    await run.close()


# Once


class Effects:
    """An effect that counts how often it happened."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self):
        self.count += 1
        return {"n": self.count}


async def test_an_effect_happens_once_in_two_attempts():
    effect = Effects()

    async def handle(run):
        await run.once("mail", effect)
        if run.claim.attempt == 1:
            raise ValueError("after the effect")
        return await run.once("mail", effect)

    bench = Bench(handle)
    delivery = await bench.add()
    for _ in range(2):
        await bench.service.execute(delivery)
    assert ((await bench.row()).result, effect.count) == ({"n": 1}, 1)


async def test_two_keys_are_two_effects(held):
    run, _ = held
    effect = Effects()
    assert [await run.once("a", effect), await run.once("b", effect)] == [{"n": 1}, {"n": 2}]


async def test_the_same_key_at_once_is_one_effect(held):
    run, _ = held
    effect = Effects()
    outcomes = await asyncio.gather(*(run.once("a", effect) for _ in range(10)))
    assert (outcomes, effect.count) == ([{"n": 1}] * 10, 1)


async def test_an_effect_that_fails_is_tried_again(held):
    run, _ = held
    answers = iter([ValueError("no"), "yes"])

    def effect():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="no"):
        await run.once("a", effect)
    assert await run.once("a", effect) == "yes"


async def test_who_lost_the_lease_does_not_begin_the_effect(held):
    run, ledger = held
    ledger._rows[run.claim.task_id].token += 1
    effect = Effects()
    with pytest.raises(LeaseLost):
        await run.once("a", effect)
    assert effect.count == 0


async def test_an_effect_is_recorded_though_the_handler_is_interrupted_meanwhile(held):
    run, ledger = held
    reached, go_on, record = asyncio.Event(), asyncio.Event(), ledger.record

    async def slowly(*said):
        reached.set()
        await go_on.wait()
        await record(*said)

    ledger.record = slowly
    work = asyncio.ensure_future(run.once("a", Effects()))
    await reached.wait()
    work.cancel()
    go_on.set()
    await run.close()
    assert await ledger.recall(run.claim, "a") == Effect({"n": 1})


async def test_a_ledger_that_is_away_does_not_lose_an_effect(held):
    run, ledger = held
    record, failures = ledger.record, iter([True, False])

    async def away_once(*said):
        if next(failures):
            raise LedgerUnavailable("away")
        await record(*said)

    ledger.record = away_once
    assert await run.once("a", Effects()) == {"n": 1}
    assert await ledger.recall(run.claim, "a") == Effect({"n": 1})


@pytest.mark.parametrize("key", ["", "x" * 256, "a\0"])
async def test_a_key_that_cannot_be_kept_is_refused_before_the_effect(held, key):
    effect = Effects()
    with pytest.raises(ValueError, match="1 to 255"):
        await held[0].once(key, effect)
    assert effect.count == 0


async def test_an_outcome_that_is_no_json_is_refused(held):
    with pytest.raises(ValueError, match="cannot be recorded"):
        await held[0].once("a", object)


async def until(holds) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - turns of the loop, no time
            await asyncio.sleep(0)
