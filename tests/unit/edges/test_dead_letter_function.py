"""The dead-letter function: the ledger's count decides, Pub/Sub's only moved the message."""

import json

import pytest
from uuid_utils.compat import uuid7

from functions.dead_letter.endpoint import DeadLetterEndpoint
from shared.adapters.memory import MemoryLedger
from shared.bootstrap import Burial
from shared.domain.errors import LedgerUnavailable
from shared.domain.task import NewTask, State
from shared.edges.guarded_function import guarded_function
from shared.readiness import Readiness
from shared.services.bury import BuryService
from tests.support.clock import FakeClock
from tests.support.push import PROJECT, calling, push_body
from tests.support.task_types import catalogue
from tests.unit.edges.stage import SETTINGS

SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/tasks-greet-dead-push"


class Parts:
    def __init__(self):
        self.clock = FakeClock()
        self.ledger = MemoryLedger(self.clock)
        burial = Burial(
            SETTINGS, BuryService(catalogue(), self.ledger, hold_seconds=0), Readiness()
        )
        self.function = guarded_function("dead_letter", lambda: DeadLetterEndpoint(burial))

    async def add(self):
        task = NewTask(uuid7(), "greet", {"name": "Ada"}, "")
        await self.ledger.add([task])
        return task.id

    async def push(self, task_id, subscription=SUBSCRIPTION, **said):
        envelope = {"task_id": str(task_id), "generation": 0, "task_type": "greet"}
        body = push_body(json.dumps(envelope).encode(), subscription=subscription, **said)
        async with calling(self.function) as client:
            return await client.post("/", json=body)


@pytest.fixture
def parts():
    return Parts()


async def test_a_dead_letter_with_attempts_left_goes_back_to_work(parts, log_lines):
    task_id = await parts.add()

    answer = await parts.push(task_id)

    task = await parts.ledger.get(task_id)
    assert (answer.status_code, task.state) == (204, State.SCHEDULED)
    [line] = [x for x in log_lines() if x["event"] == "task_given_back"]
    assert line["task_id"] == str(task_id)


async def test_the_fifth_dead_letter_of_a_task_that_never_started_is_its_end(parts):
    task_id = await parts.add()
    for delay in (5, 60, 600, 3600):
        await parts.push(task_id)
        parts.clock.advance(delay)
        await parts.ledger.take_due({"greet": 5}, 10)

    answer = await parts.push(task_id)

    task = await parts.ledger.get(task_id)
    assert (answer.status_code, task.state) == (204, State.DEAD)
    assert task.error["kind"] == "never_started"


async def test_a_dead_letter_of_a_finished_task_changes_nothing(parts, log_lines):
    task_id = await parts.add()
    await parts.ledger.cancel(task_id)

    answer = await parts.push(task_id)

    assert answer.status_code == 204
    assert (await parts.ledger.get(task_id)).state is State.CANCELLED
    assert log_lines()[-1]["event"] == "dead_letter_buried"
    assert log_lines()[-1]["state"] == "cancelled"


async def test_a_dead_letter_of_an_unknown_task_is_kept_on_the_desk(parts):
    answer = await parts.push(uuid7(), message_id="9")

    assert answer.status_code == 204
    assert list(parts.ledger.desk) == ["9"]


async def test_a_dead_letter_that_cannot_be_decoded_is_kept_on_the_desk(parts):
    async with calling(parts.function) as client:
        answer = await client.post("/", content=b"\xff")

    assert answer.status_code == 204
    assert next(iter(parts.ledger.desk.values())).delivery.data == b"\xff"


async def test_a_ledger_that_is_away_is_a_nack(parts):
    async def away(*_):
        raise LedgerUnavailable("postgres did not answer")

    parts.ledger.give_back = away

    assert (await parts.push(await parts.add())).status_code == 503


@pytest.mark.parametrize(
    ("subscription", "status"),
    [
        (f"projects/{PROJECT}/subscriptions/tasks-send-email-dead-push", 204),
        (f"projects/{PROJECT}/subscriptions/tasks-greet-push", 403),
        (f"projects/{PROJECT}/subscriptions/tasks-greet-dead-hold", 403),
        (f"projects/{PROJECT}/subscriptions/tasks-greet-dead-push2", 403),
        ("projects/another/subscriptions/tasks-greet-dead-push", 403),
        ("", 403),
    ],
)
async def test_only_dead_letter_subscriptions_of_this_project_are_taken(
    parts, subscription, status
):
    answer = await parts.push(await parts.add(), subscription)

    assert answer.status_code == status
