"""What the log and the metrics say of accepted tasks: the ids and the trace, never the input."""

import pytest

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
GREET = {"task_type": "greet", "payload": {"name": "canary"}, "labels": {"team": "canary"}}


@pytest.fixture
def enqueued(caplog):
    """The fields of each line about an enqueue so far."""
    caplog.set_level("INFO")

    def fields():
        return [r.fields for r in caplog.records if getattr(r, "event", "") == "task_enqueued"]

    return fields


async def test_an_accepted_task_is_one_line_in_the_callers_trace(http, enqueued):
    task_id = (await http.post("/enqueue-task", json=GREET, headers=SENT)).json()["task_id"]

    [fields] = enqueued()
    assert (fields["task_id"], fields["task_type"]) == (task_id, "greet")
    assert fields["traceparent"].split("-")[1] == TRACE


async def test_a_replayed_task_is_not_logged_again(http, enqueued):
    for _ in range(2):
        await http.post("/enqueue-task", json={**GREET, "idempotency_key": "canary"})

    assert len(enqueued()) == 1


async def test_a_batch_is_one_line_that_counts_its_outcomes(http, enqueued):
    keyed = {**GREET, "idempotency_key": "canary"}
    await http.post("/enqueue-tasks", json={"tasks": [GREET, keyed, keyed, {}]}, headers=SENT)

    [fields] = enqueued()
    assert (fields["enqueued"], fields["replayed"], fields["refused"]) == (2, 1, 1)
    assert fields["traceparent"].split("-")[1] == TRACE


async def test_no_line_holds_what_the_caller_sent(http, caplog):
    caplog.set_level("DEBUG", logger="cloudtasker")
    await http.post("/enqueue-task", json={**GREET, "idempotency_key": "canary"})
    await http.post("/enqueue-task", json={**GREET, "payload": {"canary": "canary"}})

    ours = [r for r in caplog.records if r.name == "cloudtasker"]
    assert ours
    assert "canary" not in "".join(f"{r.getMessage()} {vars(r)}" for r in ours)
