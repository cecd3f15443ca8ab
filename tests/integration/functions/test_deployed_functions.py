"""The functions as they are deployed: the framework's command, Postgres, signed tokens."""

import asyncio
import json
import signal

import pytest
from uuid_utils.compat import uuid7

from shared.adapters.postgres import PostgresLedger
from shared.domain.task import NewTask, State
from tests.integration.functions.server import serving
from tests.support.push import PROJECT, binary_event, push_body
from tests.support.tokens import claims, token

NOOP = "functions/noop/main.py"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def bearer():
    return {"authorization": f"Bearer {token(claims())}"}


@pytest.fixture
def ledger(database_url):
    return PostgresLedger(database_url)


async def add(ledger, **payload):
    task = NewTask(uuid7(), "noop", payload, TRACEPARENT)
    await ledger.add([task])
    return task.id


def body(task_id, subscription="tasks-noop-push", **said):
    envelope = {"task_id": str(task_id), "generation": 0, "task_type": "noop"}
    full = f"projects/{PROJECT}/subscriptions/{subscription}"
    return push_body(json.dumps(envelope).encode(), subscription=full, **said)


async def test_a_signed_push_runs_the_task_once_and_is_logged_with_its_trace(environment, ledger):
    task_id = await add(ledger, result={"answer": 42})
    async with serving("framework", "noop", NOOP, environment) as function:
        assert (await function.client.get("/ready")).json() == {"ready": True}
        refused = await function.client.post("/", json=body(task_id))
        ran = await function.client.post("/", json=body(task_id), headers=bearer())
        headers, event = binary_event(body(task_id))
        again = await function.client.post("/", content=event, headers={**headers, **bearer()})
        await function.logged("delivery_refused")

    task = await ledger.get(task_id)
    assert [refused.status_code, ran.status_code, again.status_code] == [401, 204, 204]
    assert (task.state, task.attempt) == (State.SUCCEEDED, 1)
    assert task.result == {"result": {"answer": 42}, "attempt": 1}
    [line] = [x for x in function.lines if x.get("event") == "task_succeeded"]
    assert line["task_id"] == str(task_id)
    assert line["logging.googleapis.com/trace"].endswith(TRACEPARENT[3:35])


async def test_what_cannot_be_decoded_is_kept_in_the_database_once(environment, postgres):
    async with serving("framework", "noop", NOOP, environment) as function:
        for _ in range(2):
            answer = await function.client.post("/", content=b"\xff{", headers=bearer())
            assert answer.status_code == 204

    count = "SELECT count(*) FROM dead_letter_desk WHERE message_id LIKE 'sha256:%'"
    assert postgres.run(count, "functions") == [[1]]


@pytest.mark.parametrize(
    ("seconds", "status", "state", "attempt"),
    [(2, 204, State.SUCCEEDED, 1), (60, 503, State.RETRYING, 0)],
)
async def test_a_stopped_process_records_what_ends_in_time_and_releases_the_rest(
    environment, ledger, seconds, status, state, attempt
):
    task_id = await add(ledger, sleep_seconds=seconds)
    async with serving("framework", "noop", NOOP, environment) as function:
        call = asyncio.create_task(function.client.post("/", json=body(task_id), headers=bearer()))
        await function.logged("task_running")
        function.tell(signal.SIGTERM)
        assert (await call).status_code == status
        await function.ended(3)

    task = await ledger.get(task_id)
    assert (task.state, task.attempt) == (state, attempt)
    assert task.attempts[-1].outcome == ("succeeded" if attempt else "released")


async def test_a_dead_letter_of_a_task_that_never_ran_goes_back_to_work(environment, ledger):
    task_id = await add(ledger)
    source = "functions/dead_letter/main.py"
    async with serving("framework", "dead_letter", source, environment) as function:
        wrong = await function.client.post("/", json=body(task_id), headers=bearer())
        buried = await function.client.post(
            "/", json=body(task_id, "tasks-noop-dead-push"), headers=bearer()
        )

    assert (wrong.status_code, buried.status_code) == (403, 204)
    assert (await ledger.get(task_id)).state is State.SCHEDULED


async def test_the_relay_works_until_it_is_told_to_stop(environment):
    source = "functions/relay/main.py"
    async with serving("framework", "relay", source, environment) as function:
        ready = await function.client.get("/ready")
        call = asyncio.create_task(function.client.post("/", headers=bearer()))
        done, _ = await asyncio.wait({call}, timeout=1.5)
        assert not done, "a call lasts most of a minute"
        function.tell(signal.SIGTERM)
        answer = await asyncio.wait_for(call, 20)
        await function.ended(8)

    assert (ready.status_code, list(ready.json()["problems"])) == (503, ["pubsub"])
    assert answer.status_code == 503
    assert {"due", "published", "copies", "copies_published"} <= set(answer.json())


async def test_postgres_away_is_a_nack_and_the_task_runs_once_it_is_back(
    environment, ledger, postgres
):
    task_id = await add(ledger)
    async with serving("framework", "noop", NOOP, environment) as function:
        postgres.stop()
        try:
            nack = await function.client.post("/", json=body(task_id), headers=bearer())
            ready = await function.client.get("/ready")
        finally:
            postgres.start()
        await function.ready()
        ack = await function.client.post("/", json=body(task_id), headers=bearer())

    assert (nack.status_code, ready.status_code, ack.status_code) == (503, 503, 204)
    assert (await ledger.get(task_id)).state is State.SUCCEEDED
    assert "ledger_unavailable" in function.events()
