"""A function that dies at each place of a run: one recorded outcome, nothing lost, no run too many.

The lease's end is brought forward in the database; everything else is as it is deployed.
"""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from shared.adapters.postgres import PostgresLedger
from shared.domain.task import NewTask, State
from shared.failpoints import CRASHED
from tests.integration.functions.server import FunctionProcess, serving
from tests.support.push import PROJECT, push_body
from tests.support.tokens import claims, token

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOOP = "functions/noop/main.py"
SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/tasks-noop-push"


@pytest.fixture(scope="module")
def ledger(database_url):
    return PostgresLedger(database_url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def healthy(environment) -> AsyncIterator[FunctionProcess]:
    """Another instance of the function, which lives."""
    async with serving("uvicorn", "noop", NOOP, environment) as function:
        yield function


async def added(ledger: PostgresLedger, **payload) -> UUID:
    task = NewTask(uuid7(), "noop", payload, "")
    await ledger.add([task])
    return task.id


async def deliver(function: FunctionProcess, task_id: UUID) -> int:
    envelope = {"task_id": str(task_id), "generation": 0, "task_type": "noop"}
    body = push_body(json.dumps(envelope).encode(), subscription=SUBSCRIPTION)
    bearer = {"authorization": f"Bearer {token(claims())}"}
    return (await function.client.post("/", json=body, headers=bearer)).status_code


def end_lease(postgres, task_id: UUID) -> None:
    postgres.run(
        f"UPDATE tasks SET lease_expires_at = now(), due_at = now() WHERE id = '{task_id}'",
        "functions",
    )


@pytest.mark.parametrize(
    ("point", "state"),
    [
        ("function_after_claim", State.RUNNING),
        ("function_after_handler", State.RUNNING),
        ("function_after_finish", State.SUCCEEDED),
    ],
)
async def test_a_function_that_dies_at_a_point_leaves_one_outcome(
    environment, ledger, healthy, postgres, point, state
):
    task_id = await added(ledger, result=point)
    dying = {**environment, "CLOUDTASKER_FAILPOINTS": f"{point}=crash"}
    async with serving("uvicorn", "noop", NOOP, dying) as function:
        with pytest.raises(httpx.TransportError):
            await deliver(function, task_id)
        assert await function.ended(30) == CRASHED
    assert (await ledger.get(task_id)).state is state

    while_leased = await deliver(healthy, task_id)
    end_lease(postgres, task_id)
    afterwards = await deliver(healthy, task_id)

    await check_one_outcome(ledger, task_id, runs=1 if state is State.SUCCEEDED else 2)
    assert (while_leased, afterwards) == (204, 204)


async def test_a_function_that_is_killed_inside_the_handler_leaves_one_outcome(
    environment, ledger, healthy, postgres
):
    task_id = await added(ledger, sleep_seconds=600)
    async with serving("uvicorn", "noop", NOOP, environment) as function:
        call = asyncio.create_task(deliver(function, task_id))
        await function.logged("task_running")
        function.tell(signal.SIGKILL)
        with pytest.raises(httpx.TransportError):
            await call
    postgres.run(
        f"UPDATE tasks SET payload = '{{}}' WHERE id = '{task_id}'",
        "functions",
    )
    end_lease(postgres, task_id)

    assert await deliver(healthy, task_id) == 204
    await check_one_outcome(ledger, task_id, runs=2)


async def check_one_outcome(ledger: PostgresLedger, task_id: UUID, *, runs: int) -> None:
    task = await ledger.get(task_id)
    assert (task.state, task.attempt) == (State.SUCCEEDED, runs)
    assert [a.outcome for a in task.attempts] == ["abandoned"] * (runs - 1) + ["succeeded"]
