"""The task type `noop`: it does what its payload says, without a server."""

from uuid import UUID

import pytest
from pydantic import ValidationError

from functions.noop.handler import noop
from functions.noop.payload import Noop
from shared.domain.outcome import RejectTask, RetryLater
from shared.edges.task_context import TaskContext
from shared.settings import Settings


def on_attempt(number: int) -> TaskContext:
    return TaskContext(UUID(int=1), "noop", number, 5, 0, "", Settings())


async def test_it_succeeds_at_once_and_echoes_the_result():
    assert await noop(Noop(), on_attempt(1)) == {"result": None, "attempt": 1}
    answer = await noop(Noop(result={"a": [1, "b"]}), on_attempt(3))

    assert answer == {"result": {"a": [1, "b"]}, "attempt": 3}


async def test_it_fails_as_often_as_it_is_told_to():
    payload = Noop(fail_times=2)

    for attempt in (1, 2):
        with pytest.raises(RuntimeError, match=f"attempt {attempt} of 2"):
            await noop(payload, on_attempt(attempt))
    assert (await noop(payload, on_attempt(3)))["attempt"] == 3


async def test_a_failing_attempt_can_ask_for_its_own_delay():
    payload = Noop(fail_times=1, retry_after_seconds=7.5)

    with pytest.raises(RetryLater) as later:
        await noop(payload, on_attempt(1))
    assert later.value.after_seconds == 7.5
    assert (await noop(payload, on_attempt(2)))["attempt"] == 2


async def test_it_rejects():
    with pytest.raises(RejectTask):
        await noop(Noop(reject=True), on_attempt(1))


async def test_it_sleeps_for_the_time_it_is_told():
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await noop(Noop(sleep_seconds=300), on_attempt(1), sleep=sleep)

    assert slept == [300]


async def test_it_keeps_the_cpu_until_the_time_is_over():
    readings = iter([100.0, 110.0, 129.9, 130.0, 140.0])

    await noop(Noop(cpu_seconds=30), on_attempt(1), clock=lambda: next(readings))

    assert list(readings) == [140.0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sleep_seconds", -1),
        ("sleep_seconds", 600.1),
        ("cpu_seconds", 60.1),
        ("fail_times", -1),
        ("fail_times", 101),
        ("fail_times", 1.5),
        ("retry_after_seconds", 86_401),
        ("reject", "perhaps"),
        ("colour", "red"),
    ],
)
def test_a_wrong_payload_is_refused_with_its_field(field, value):
    with pytest.raises(ValidationError) as refused:
        Noop.model_validate({"fail_times": 1, field: value})
    assert field == refused.value.errors()[0]["loc"][0]


def test_a_delay_without_a_failure_is_refused():
    with pytest.raises(ValidationError, match="retry_after_seconds needs fail_times"):
        Noop(retry_after_seconds=1)
