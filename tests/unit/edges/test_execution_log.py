"""What the log says about each delivery: one line with the task's fields, and no payload."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from shared import telemetry
from shared.domain.errors import LedgerUnavailable
from shared.domain.outcome import RejectTask, RetryLater, Snooze
from shared.edges.address_guard import Unresolved
from shared.edges.execution_log import said_when_long
from tests.unit.edges.stage import TRACEPARENT

TRACE = "projects/cloudtasker-local/traces/0af7651916cd43dd8448eb211c80319c"


async def pushed(stage, log_lines, **said):
    """Push one task and return its id with the lines about it."""
    task_id = await stage.add()
    await stage.push(task_id, **said)
    return str(task_id), [x for x in log_lines() if x["event"] != "process_ready"]


async def test_a_run_is_one_line_that_names_its_task_and_shares_the_enqueues_trace(
    stage, log_lines
):
    task_id, [line] = await pushed(stage, log_lines, message_id="55")

    assert (line["event"], line["severity"]) == ("task_succeeded", "INFO")
    assert line["duration_ms"] >= 0
    assert line["task_id"] == task_id
    assert (line["task_type"], line["attempt"], line["generation"]) == ("greet", 1, 0)
    assert line["message_id"] == "55"
    assert line["logging.googleapis.com/trace"] == TRACE
    assert line["logging.googleapis.com/spanId"] == TRACEPARENT[36:52]


async def test_a_handlers_own_lines_carry_its_task(stage, log_lines):
    async def behaviour():
        logging.getLogger("mail").info("sent %s", "it")

    stage.script.behaviour = behaviour
    task_id = await stage.add()
    await stage.push(task_id)

    [line] = [x for x in log_lines() if x["message"] == "sent it"]
    assert (line["task_id"], line["attempt"]) == (str(task_id), 1)
    assert line["logging.googleapis.com/trace"] == TRACE


@pytest.mark.parametrize(
    ("behaviour", "event", "severity"),
    [
        (ValueError("no person"), "task_failed", "WARNING"),
        (RejectTask("never"), "task_rejected", "ERROR"),
        (RetryLater(5, "busy"), "task_postponed", "INFO"),
        (Snooze(datetime.now(UTC) + timedelta(hours=1)), "task_snoozed", "INFO"),
    ],
)
async def test_each_verdict_is_an_event_of_its_own(stage, log_lines, behaviour, event, severity):
    stage.script.behaviour = behaviour

    _, [line] = await pushed(stage, log_lines)

    assert (line["event"], line["severity"]) == (event, severity)
    assert (line["kind"], line["why"]) == (type(behaviour).__name__, str(behaviour))
    assert ("Traceback" in line["message"]) is (event == "task_failed")


@pytest.mark.parametrize("run", [1, 5])
async def test_a_failure_that_was_to_be_expected_is_one_line(stage, log_lines, run):
    stage.script.behaviour = Unresolved("hooks.example.com cannot be resolved")
    task_id = await stage.add()
    for _ in range(run):
        await stage.push(task_id)

    last = log_lines()[-1]
    assert (last["attempt"], last["kind"], last["why"]) == (
        run,
        "Unresolved",
        "hooks.example.com cannot be resolved",
    )
    assert "\n" not in last["message"]


async def test_the_last_failure_is_an_error_with_the_handlers_traceback(stage, log_lines):
    stage.script.behaviour = ValueError("no person")
    task_id = await stage.add()
    for _ in range(5):
        await stage.push(task_id)

    last = log_lines()[-1]
    assert (last["event"], last["severity"], last["attempt"]) == ("task_dead", "ERROR", 5)
    assert "in greet" in last["message"]
    assert last["message"].endswith("ValueError: no person")


async def test_a_time_limit_is_logged_as_the_failure_it_is(open_stage, log_lines):
    async with open_stage(time_limit_seconds=1) as stage:
        stage.script.behaviour = asyncio.Event().wait

        _, lines = await pushed(stage, log_lines)

    assert (lines[-1]["event"], lines[-1]["kind"]) == ("task_failed", "TimeLimitExceeded")


@pytest.mark.parametrize(("after_seconds", "said"), [(0, ["task_running"]), (60, [])])
async def test_a_run_that_takes_long_says_so_meanwhile(log_lines, after_seconds, said):
    with telemetry.bound(task_id="t"), said_when_long(after_seconds):
        for _ in range(3):
            await asyncio.sleep(0)

    assert [line["event"] for line in log_lines() if line["task_id"] == "t"] == said


async def test_a_run_that_has_ended_says_nothing_of_being_long(log_lines):
    with said_when_long(0):
        pass
    for _ in range(3):
        await asyncio.sleep(0)

    assert log_lines() == []


async def test_a_duplicate_says_why_it_was_refused(stage, log_lines):
    task_id = await stage.add()
    await stage.push(task_id)
    await stage.push(task_id)

    last = log_lines()[-1]
    assert (last["event"], last["why"]) == ("delivery_refused", "final")
    assert (last["severity"], last["task_id"]) == ("INFO", str(task_id))


async def test_an_older_generation_is_an_event_of_its_own(stage, log_lines):
    task_id, lines = await pushed(stage, log_lines, generation=9)

    assert [x["event"] for x in lines] == ["stale_generation"]
    assert (lines[0]["task_id"], lines[0]["generation"]) == (task_id, 9)


async def test_a_ledger_that_is_away_is_logged_with_what_the_message_says_of_itself(
    stage, log_lines
):
    async def away(*_):
        raise LedgerUnavailable("postgres did not answer")

    stage.ledger.claim = away
    attributes = {"task_id": "t1", "task_type": "greet", "traceparent": TRACEPARENT}
    _, [line] = await pushed(stage, log_lines, message_id="5", attributes=attributes)

    assert (line["event"], line["severity"]) == ("ledger_unavailable", "ERROR")
    assert (line["why"], line["message_id"]) == ("postgres did not answer", "5")
    assert (line["task_id"], line["task_type"]) == ("t1", "greet")
    assert line["logging.googleapis.com/trace"] == TRACE


async def test_a_lost_lease_is_logged(stage, log_lines):
    task_id = await stage.add()

    async def overrun():
        stage.clock.advance(31)
        await stage.ledger.claim(task_id, 0, stage.task_type)

    stage.script.behaviour = overrun
    await stage.push(task_id)

    assert log_lines()[-1]["event"] == "lease_lost"


async def test_what_goes_to_the_desk_is_logged_with_its_message_id(stage, log_lines):
    await stage.post(b'{"message": {"messageId": "m7", "data": "%"}}')

    last = log_lines()[-1]
    assert (last["event"], last["message_id"]) == ("delivery_kept_on_desk", "m7")
    assert last["severity"] == "WARNING"


async def test_neither_payload_nor_result_nor_token_is_ever_logged(stage, log_lines):
    secret = "canary-4111"
    stage.script.behaviour = {"result": secret}
    task_id = await stage.add({"name": secret})
    await stage.push(task_id)
    await stage.add({"name": 7, "password": secret})
    await stage.post(
        json.dumps(stage.body(await stage.add({"name": 7, "password": secret}))).encode(),
        {"authorization": f"Bearer {secret}"},
    )
    await stage.post(f'{{"message": "{secret}"'.encode())

    assert secret not in json.dumps(log_lines())
    assert "task_rejected" in {line["event"] for line in log_lines()}


async def test_a_hostile_message_is_still_one_line(stage, log_lines):
    stage.script.behaviour = ValueError('x\n{"severity": "CRITICAL"}\r\n\u2028\x1b[31m')

    _, lines = await pushed(stage, log_lines)

    assert [x["severity"] for x in lines] == ["WARNING"]
