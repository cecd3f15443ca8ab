"""What callers can rely on, whichever protocol they speak: the same cases over REST and gRPC."""

import uuid

import pytest

from shared.domain.settlement import Answer, Settlement
from shared.domain.task import Claim, State
from tests.contract.api.client import ApiError

GREET = {"task_type": "greet", "payload": {"name": "Ada"}}


async def refused(call) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value


async def stored(client) -> int:
    return len((await client.find(page_size=500))["tasks"])


async def claimed(memory, task_id: str) -> Claim:
    claim = await memory.ledger.claim(uuid.UUID(task_id), 0, memory.api.catalogue["greet"])
    assert isinstance(claim, Claim)
    return claim


async def test_an_accepted_task_is_stored_published_and_readable(client, memory):
    accepted = await client.enqueue({**GREET, "labels": {"team": "red"}})

    assert accepted["state"] == "queued"
    assert accepted["task_type"] == "greet"
    assert not accepted["replayed"]
    [message] = memory.publisher.messages
    assert message.attributes["task_id"] == accepted["task_id"]
    task = await client.get(accepted["task_id"])
    assert task["payload"] == {"name": "Ada"}
    assert task["labels"] == {"team": "red"}
    assert task["created_at"] == accepted["created_at"]


async def test_a_new_task_has_no_times_result_or_attempts(client):
    task = await client.get((await client.enqueue(GREET))["task_id"])

    assert task["started_at"] is None
    assert task["finished_at"] is None
    assert task["result"] is None
    assert task["error"] is None
    assert task["attempts"] == []
    assert (task["generation"], task["attempt"]) == (0, 0)


async def test_a_finished_task_shows_its_result_and_its_attempt(client, memory):
    task_id = (await client.enqueue(GREET))["task_id"]
    claim = await claimed(memory, task_id)
    memory.clock.advance(1.5)
    result = {"said": "hello Ada", "exact": 12345678901234567890}
    done = Settlement(State.SUCCEEDED, "succeeded", Answer.ACK, result=result)
    await memory.ledger.finish(claim, done)

    task = await client.get(task_id)

    assert task["state"] == "succeeded"
    assert task["result"] == result
    [attempt] = task["attempts"]
    assert (attempt["number"], attempt["outcome"]) == (1, "succeeded")
    assert attempt["started_at"] < attempt["finished_at"] == task["finished_at"]


async def test_the_callers_trace_travels_with_the_message(client, memory):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    await client.enqueue(GREET, traceparent=f"00-{trace}-00f067aa0ba902b7-01")

    assert memory.publisher.messages[0].attributes["traceparent"].split("-")[1] == trace


async def test_an_unknown_task_type_is_refused_with_the_nearest_name(client):
    error = await refused(client.enqueue({**GREET, "task_type": "gret"}))

    assert error.code == "unknown_task_type"
    assert error.fields == {"task_type"}
    assert '"greet"' in error.detail
    assert await stored(client) == 0


async def test_every_wrong_field_of_a_payload_is_named_at_once(client):
    wrong = {"task_type": "greet", "payload": {"times": 11, "surprise": True}}
    error = await refused(client.enqueue(wrong))

    assert error.code == "invalid"
    assert error.fields == {"payload.name", "payload.times", "payload.surprise"}
    assert await stored(client) == 0


async def test_problems_of_the_request_and_of_its_payload_are_reported_together(client):
    wrong = {"task_type": "greet", "payload": {}, "labels": {"UPPER": "x"}, "ordering_key": "k"}
    error = await refused(client.enqueue(wrong))

    assert "payload.name" in error.fields
    assert any(field.startswith("labels") for field in error.fields)


async def test_an_ordering_key_needs_an_ordered_type(client):
    error = await refused(client.enqueue({**GREET, "ordering_key": "one"}))
    accepted = await client.enqueue({**GREET, "task_type": "greet_in_order", "ordering_key": "one"})

    assert error.fields == {"ordering_key"}
    assert (await client.get(accepted["task_id"]))["ordering_key"] == "one"


BAD_PAYLOADS = {
    "not an object": "[1]",
    "a text": '"name"',
    "broken": '{"name": ',
    "NaN": '{"name": NaN}',
    "Infinity": '{"name": -Infinity}',
    "beyond a double": '{"name": 1e999}',
    "a duplicate key": '{"name": "a", "name": "b"}',
    "too many digits": '{"name": ' + "9" * 5000 + "}",
    "too deep": '{"name": ' + "[" * 10_000 + "]" * 10_000 + "}",
    "a NUL character": '{"name": "a\\u0000"}',
    "a lone surrogate": '{"name": "a\\ud800"}',
    "a lone surrogate as key": '{"\\ud800": 1}',
}


@pytest.mark.parametrize("payload", BAD_PAYLOADS.values(), ids=BAD_PAYLOADS)
async def test_a_payload_that_is_no_strict_json_object_is_refused(client, payload):
    error = await refused(client.enqueue({**GREET, "payload": payload}))

    assert error.code == "invalid"
    assert await stored(client) == 0


async def test_a_request_above_the_limit_is_refused(client):
    error = await refused(client.enqueue({**GREET, "payload": {"name": "x" * 1_000_001}}))

    assert error.code == "too_large"
    assert await stored(client) == 0


async def test_the_same_idempotency_key_gives_the_same_task(client, memory):
    first = await client.enqueue({**GREET, "idempotency_key": "order-1"})
    again = await client.enqueue({**GREET, "idempotency_key": "order-1"})

    assert again == {**first, "replayed": True}
    assert await stored(client) == 1
    assert len(memory.publisher.messages) == 1


async def test_the_same_idempotency_key_with_another_payload_is_a_conflict(client):
    first = await client.enqueue({**GREET, "idempotency_key": "order-1"})
    other = {"task_type": "greet", "payload": {"name": "Bob"}, "idempotency_key": "order-1"}
    error = await refused(client.enqueue(other))

    assert error.code == "idempotency_conflict"
    assert error.holder == {"task_id": first["task_id"]}
    assert await stored(client) == 1


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_an_idempotency_key_that_is_empty_or_too_long_is_refused(client, key):
    error = await refused(client.enqueue({**GREET, "idempotency_key": key}))

    assert (error.code, error.fields) == ("invalid", {"idempotency_key"})


async def test_an_idempotency_key_may_have_255_characters(client):
    assert (await client.enqueue({**GREET, "idempotency_key": "k" * 255}))["task_id"]


async def test_a_batch_answers_each_task_in_order(client, memory):
    outcomes = await client.enqueue_all(
        [
            {**GREET, "idempotency_key": "a"},
            {"task_type": "greet", "payload": {"name": ""}},
            {"task_type": "greeet", "payload": {}},
            {**GREET, "idempotency_key": "a"},
            {"task_type": "greet", "payload": {"name": "Bob"}, "idempotency_key": "a"},
        ]
    )

    first, wrong, unknown, again, conflict = outcomes
    assert not first["replayed"]
    assert (wrong.code, wrong.fields) == ("invalid", {"payload.name"})
    assert unknown.code == "unknown_task_type"
    assert (again["task_id"], again["replayed"]) == (first["task_id"], True)
    assert conflict.code == "idempotency_conflict"
    assert await stored(client) == 1
    assert len(memory.publisher.messages) == 1


async def test_a_batch_may_hold_1000_tasks_and_no_more(client):
    error = await refused(client.enqueue_all([GREET] * 1001))
    assert error.fields == {"tasks"}
    assert await stored(client) == 0

    assert len(await client.enqueue_all([GREET] * 1000)) == 1000


async def test_an_empty_batch_is_refused(client):
    assert (await refused(client.enqueue_all([]))).code == "invalid"


@pytest.mark.parametrize(
    "task_id", ["0192f2c4-0000-4000-8000-000000000000", "nonsense", "1", "'; DROP TABLE tasks"]
)
async def test_an_id_that_no_task_has_is_not_found(client, task_id):
    assert (await refused(client.get(task_id))).code == "not_found"
    assert (await refused(client.cancel(task_id))).code == "not_found"


async def test_a_listing_goes_through_every_task_once_newest_first(client):
    ids = [(await client.enqueue(GREET))["task_id"] for _ in range(5)]
    seen, token = [], ""
    for size in (2, 2, 1):
        page = await client.find(page_size=2, page_token=token)
        assert len(page["tasks"]) == size
        seen += [task["task_id"] for task in page["tasks"]]
        token = page["next_page_token"]

    assert seen == sorted(ids, reverse=True)
    assert token == ""


async def test_a_listing_shows_what_all_its_filters_name(client, memory):
    red = await client.enqueue({**GREET, "labels": {"team": "red", "tier": "1"}})
    blue = await client.enqueue({**GREET, "labels": {"team": "blue", "tier": "1"}})
    memory.clock.advance(60)
    late = await client.enqueue({**GREET, "task_type": "greet_in_order"})
    await client.cancel(blue["task_id"])

    async def found(**conditions):
        return {task["task_id"] for task in (await client.find(**conditions))["tasks"]}

    assert await found(task_type="greet_in_order") == {late["task_id"]}
    assert await found(state="cancelled") == {blue["task_id"]}
    assert await found(labels={"team": "red", "tier": "1"}) == {red["task_id"]}
    assert await found(labels={"tier": "1"}, state="queued") == {red["task_id"]}
    assert await found(created_after="2026-11-24T12:00:30Z") == {late["task_id"]}
    assert await found(created_before="2026-11-24T12:00:30Z", state="queued") == {red["task_id"]}
    assert await found(labels={"team": "green"}) == set()


BAD_LISTINGS = {
    "page_size": {"page_size": 501},
    "page_token": {"page_token": "bm90IGEgdG9rZW4"},
    "task_type": {"task_type": "Robert'); DROP TABLE tasks"},
}


@pytest.mark.parametrize("field", BAD_LISTINGS)
async def test_a_listing_that_cannot_be_is_refused_with_its_field(client, field):
    error = await refused(client.find(**BAD_LISTINGS[field]))

    assert (error.code, error.fields) == ("invalid", {field})


async def test_a_page_token_belongs_to_its_filters(client):
    for _ in range(2):
        await client.enqueue(GREET)
    token = (await client.find(task_type="greet", page_size=1))["next_page_token"]

    error = await refused(client.find(state="queued", page_size=1, page_token=token))

    assert error.fields == {"page_token"}


async def test_a_task_is_cancelled_before_it_runs_and_again_without_error(client):
    task_id = (await client.enqueue(GREET))["task_id"]

    assert (await client.cancel(task_id))["state"] == "cancelled"
    assert (await client.cancel(task_id))["state"] == "cancelled"
    assert (await client.get(task_id))["finished_at"] is not None


async def test_a_task_that_runs_is_asked_to_stop_and_again_without_error(client, memory):
    task_id = (await client.enqueue(GREET))["task_id"]
    await claimed(memory, task_id)

    first, again = await client.cancel(task_id), await client.cancel(task_id)
    assert (first["state"], first["cancel_requested_at"]) == ("running", first["started_at"])
    assert again == first
    assert first["attempts"][0]["finished_at"] is None


async def test_a_finished_task_is_not_cancelled(client, memory):
    task_id = (await client.enqueue(GREET))["task_id"]
    claim = await claimed(memory, task_id)
    await memory.ledger.finish(claim, Settlement(State.SUCCEEDED, "succeeded", Answer.ACK))

    assert (await refused(client.cancel(task_id))).code == "wrong_state"


async def test_progress_is_shown(client, memory):
    task_id = (await client.enqueue(GREET))["task_id"]
    await memory.ledger.say_progress(await claimed(memory, task_id), 40, "half")

    task = await client.get(task_id)
    assert task["progress"] == {"percent": 40, "text": "half", "at": task["started_at"]}


async def test_the_task_types_are_listed_by_name_with_limits_and_schema(client):
    first, second = await client.task_types()

    assert (first["name"], second["name"]) == ("greet", "greet_in_order")
    assert first["payload_schema"]["required"] == ["name"]
    assert first["payload_schema"]["additionalProperties"] is False
    assert first["limits"]["max_attempts"] == 5
    assert first["limits"]["retry"] == {"by": "pubsub", "min_seconds": 10, "max_seconds": 600}
    assert second["limits"]["ordering"] is True


HOSTILE = [
    "'; DROP TABLE tasks; --",
    "$1",
    '{"$ne": 1}',
    "%00%n",
    "\u202e𝕏é",
    "<script>",
    "\r\nSet-X: 1",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_text_is_data_wherever_it_stands(client, text):
    request = {
        "task_type": "greet",
        "payload": {"name": text[:20]},
        "labels": {"note": text},
        "idempotency_key": text,
    }
    accepted = await client.enqueue(request)

    task = await client.get(accepted["task_id"])
    assert (task["payload"], task["labels"]) == ({"name": text[:20]}, {"note": text})
    assert task["idempotency_key"] == text
    assert len((await client.find(labels={"note": text}))["tasks"]) == 1
