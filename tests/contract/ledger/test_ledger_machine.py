"""Any sequence of moves ends alike in memory and on Postgres, as far as a caller can see.

What the simulation finds out about the ledger in memory then holds for the real one.
"""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from shared.adapters.memory import MemoryLedger
from shared.adapters.memory_desk import MemoryAudit, MemoryDesk
from shared.adapters.pg_calls import Calls
from shared.adapters.pg_desk import PostgresDesk
from shared.adapters.postgres import PostgresLedger
from shared.domain.desk import Redrive
from shared.domain.errors import IdempotencyConflict, LeaseLost
from shared.domain.outcome import Failure
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import Claim, Outgoing, State, Stored, Task
from tests.contract.ledger.conftest import _TIMES
from tests.contract.ledger.test_ledger_contract import ATTEMPTS, GREET, new_task

OOPS = Failure("Oops", "no")
SETTLEMENTS = (
    Settlement(State.SUCCEEDED, "succeeded", Answer.ACK, result={"said": "hello"}),
    Settlement(State.RETRYING, "failed", Answer.NACK, failure=OOPS, due_in_seconds=660),
    Settlement(State.RETRYING, "failed", Answer.ACK, failure=OOPS, due_in_seconds=90, hold=True),
    Settlement(State.DEAD, "rejected", Answer.ACK, failure=OOPS, copy=True),
    Settlement(
        State.SCHEDULED,
        "postponed",
        Answer.ACK,
        failure=OOPS,
        due_in_seconds=45,
        hold=True,
        costs_attempt=False,
    ),
)


class BothLedgers(RuleBasedStateMachine):
    """Makes each move on both, and compares the answers and the rows."""

    tasks = Bundle("tasks")
    claims = Bundle("claims")
    postgres: Any
    url: str

    @initialize()
    def empty(self) -> None:
        self.postgres.run("TRUNCATE tasks, idempotency_keys CASCADE", "ledger_contract")
        self.loop = asyncio.new_event_loop()
        self.passed = timedelta()
        self.memory = MemoryLedger(lambda: datetime.now(UTC) + self.passed)
        self.real = PostgresLedger(self.url)
        self.calls = Calls(self.url)
        memory_desk = MemoryDesk(self.memory, MemoryAudit(self.memory))
        self.desks = (memory_desk, PostgresDesk(self.calls))
        self.known: dict[Any, int] = {}

    def teardown(self) -> None:
        if hasattr(self, "real"):
            self.real.close()
            self.calls.close()
            self.loop.close()

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def both(self, name: str, *arguments: Any) -> Any:
        """Call both, and return what they answered, which must look the same."""
        here, there = (
            self.wait(answer_of(getattr(ledger, name), *arguments))
            for ledger in (self.memory, self.real)
        )
        assert seen(here) == seen(there), name
        return there

    @rule(
        target=tasks,
        key=st.sampled_from([None, None, "a", "b"]),
        delay=st.sampled_from([None, None, 50.0]),
        end=st.sampled_from([None, None, 200.0]),
        name=st.sampled_from(["Ada", "Bob"]),
    )
    def add(self, key, delay, end, name):
        task = new_task(
            idempotency_key=key,
            fingerprint=name,
            payload={"name": name},
            delay_seconds=delay,
            expires_in_seconds=end,
        )
        [stored] = self.both("add", [task])
        if isinstance(stored, Stored) and stored.is_new:
            self.known[task.id] = 0
            return task.id
        return multiple()

    @rule(task=tasks)
    def confirm(self, task):
        self.both("mark_published", [outgoing(task, self.known[task])])

    @rule(target=claims, task=tasks, stale=st.booleans())
    def claim(self, task, stale):
        claim = self.both("claim", task, self.known[task] + stale, GREET)
        return claim if isinstance(claim, Claim) else multiple()

    @rule(claim=consumes(claims), settlement=st.sampled_from(SETTLEMENTS))
    def finish(self, claim, settlement):
        self.both("finish", claim, settlement)

    @rule(claim=claims, settlement=st.sampled_from(SETTLEMENTS))
    def finish_and_again_later(self, claim, settlement):
        self.both("finish", claim, settlement)

    @rule(claim=consumes(claims))
    def put_back(self, claim):
        self.both("put_back", claim, 20.0)

    @rule(task=tasks)
    def cancel(self, task):
        self.both("cancel_all", [task])

    @rule(task=tasks)
    def give_back(self, task):
        self.both("give_back", task, self.known[task], 5)

    @rule(task=tasks)
    def redrive(self, task):
        asked = [Redrive(task, self.known[task], None)]
        here, there = (self.wait(desk.redrive(asked)) for desk in self.desks)
        assert len(here) == len(there)
        self.known[task] += len(there)

    @rule()
    def bring_back_what_is_due(self):
        self.both("take_due", ATTEMPTS, 100)

    @rule()
    def take_dead_letters(self):
        self.both("take_copies", 100)

    @rule(seconds=st.sampled_from([10.0, 40.0, 100.0, 700.0]))
    def time_passes(self, seconds):
        self.passed += timedelta(seconds=seconds)
        for table, columns in _TIMES.items():
            changes = ", ".join(f"{c} = {c} - interval '{seconds} seconds'" for c in columns)
            self.postgres.run(f"UPDATE {table} SET {changes}", "ledger_contract")

    @invariant()
    def rows_are_alike(self):
        for task in getattr(self, "known", ()):
            here, there = (self.wait(ledger.get(task)) for ledger in (self.memory, self.real))
            assert row(here) == row(there)
            assert_near(here.due_at and here.due_at - self.passed, there.due_at)


async def answer_of(move, *arguments):
    try:
        return await move(*arguments)
    except LeaseLost:
        return "lease lost"


def outgoing(task, generation: int) -> Outgoing:
    return Outgoing(task, generation, "greet", datetime.now(UTC), "")


def seen(answer: Any) -> Any:
    """What a caller can see of an answer but its times."""
    if isinstance(answer, list):
        return sorted((seen(one) for one in answer), key=repr)
    if isinstance(answer, Claim):
        return (answer.task_id, answer.generation, answer.attempt, answer.token, answer.payload)
    if isinstance(answer, Stored):
        return (answer.id, answer.state, answer.is_new)
    if isinstance(answer, IdempotencyConflict):
        return str(answer)
    if isinstance(answer, Outgoing):
        return (answer.id, answer.generation)
    if hasattr(answer, "task"):
        return (seen(answer.task), answer.attempt)
    return answer


def row(task: Task) -> Any:
    outcomes = [(one.generation, one.number, one.outcome) for one in task.attempts]
    return (task.state, task.generation, task.attempt, task.error, task.result, outcomes)


def assert_near(here: datetime | None, there: datetime | None) -> None:
    assert (here is None) == (there is None)
    if here and there:
        assert abs(here - there) < timedelta(seconds=5)


@pytest.mark.timeout(300)
def test_any_sequence_of_moves_ends_alike(postgres, database):
    class Both(BothLedgers):
        pass

    Both.postgres, Both.url = postgres, database
    run_state_machine_as_test(
        Both,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
