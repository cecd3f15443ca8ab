"""The asynchronous client, without the command line."""

import json
from datetime import UTC, datetime

import httpx
import pytest

from shared.client import ApiError, Client, Clock, Receipt, ServiceUnreachable, WaitTimedOut
from shared.domain.errors import InvalidField
from tests.contract.api.rest_app import BASE_URL, rest_app
from tests.support.memory_api import memory_api

ID = "019aae00-0000-7000-8000-000000000000"
GREET = {"task_type": "greet", "payload": {"name": "Ana"}}


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, sleep=self.sleep)


@pytest.fixture
async def client():
    app = rest_app(memory_api().api)
    async with Client(BASE_URL, transport=httpx.ASGITransport(app)) as client:
        yield client


def answering(*answers: httpx.Response | Exception, time: Time | None = None) -> Client:
    """A client whose requests get these answers, the last of them for ever."""
    waiting = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        one = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(one, Exception):
            raise one
        return one

    clock = (time or Time()).clock()
    return Client("http://api.example", transport=httpx.MockTransport(answer), clock=clock)


def in_state(state: str) -> httpx.Response:
    return httpx.Response(200, json={"task_id": ID, "state": state})


async def test_an_enqueued_task_can_be_read(client):
    receipt = await client.enqueue({**GREET, "labels": {"team": "blue"}})

    task = await client.get(receipt["task_id"])
    assert (task["state"], task["labels"]) == ("queued", {"team": "blue"})


async def test_an_idempotent_repeat_says_that_it_is_one(client):
    request = {**GREET, "idempotency_key": "k1"}
    first, again = await client.enqueue(request), await client.enqueue(request)

    assert (first["replayed"], again["replayed"]) == (False, True)
    assert first["task_id"] == again["task_id"]


async def test_a_batch_has_an_outcome_for_each_task_in_order(client):
    good, bad = await client.enqueue_all([GREET, {"task_type": "greet", "payload": {}}])

    assert good["state"] == "queued"
    assert isinstance(bad, ApiError)
    assert bad.errors == (InvalidField("payload.name", "Field required"),)
    assert set(good) == set(Receipt.__annotations__)


async def test_an_empty_batch_is_refused_as_a_whole(client):
    with pytest.raises(ApiError) as refused:
        await client.enqueue_all([])

    assert (refused.value.code, refused.value.status) == ("invalid", 400)


async def test_find_goes_through_all_pages_with_the_same_filter(client):
    await client.enqueue_all([GREET] * 5)
    await client.enqueue({**GREET, "task_type": "greet_in_order"})

    found = [t async for t in client.find(task_type="greet", state="queued", page_size=2)]

    assert len({task["task_id"] for task in found}) == 5
    assert {task["task_type"] for task in found} == {"greet"}


async def test_find_asks_for_no_page_that_nobody_reads():
    page = httpx.Response(200, json={"tasks": [{"task_id": ID}], "next_page_token": "more"})
    async with answering(page, httpx.ReadTimeout("asked for a second page")) as client:
        async for task in client.find():
            assert task["task_id"] == ID
            break


async def test_find_understands_times_and_labels(client):
    await client.enqueue({**GREET, "labels": {"a": "x:y", "b": "1"}})
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)

    async def count(**conditions) -> int:
        return len([task async for task in client.find(**conditions)])

    assert await count(labels={"a": "x:y", "b": "1"}) == 1
    assert await count(labels={"a": "x"}) == 0
    assert await count(created_before=noon) == 0
    assert await count(created_after=noon.replace(hour=11)) == 1


async def test_task_types_have_their_schema(client):
    [greet, _] = await client.task_types()

    assert greet["name"] == "greet"
    assert greet["payload_schema"]["required"] == ["name"]


async def test_a_refusal_carries_code_status_and_fields():
    problem = {
        "status": 400,
        "code": "invalid",
        "detail": "no",
        "errors": [{"field": "payload.to", "problem": "wrong"}],
    }
    async with answering(httpx.Response(400, json=problem)) as client:
        with pytest.raises(ApiError, match="no") as refused:
            await client.get(ID)

    assert (refused.value.code, refused.value.status) == ("invalid", 400)
    assert refused.value.errors == (InvalidField("payload.to", "wrong"),)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, html="<p>"),
        httpx.Response(200, text="fine"),
        httpx.Response(200, json=[]),
        httpx.Response(302, headers={"location": "http://elsewhere.example"}),
    ],
)
async def test_what_is_not_the_apis_answer_is_an_error(answer):
    async with answering(answer) as client:
        with pytest.raises(ApiError) as refused:
            await client.task_types()

    assert refused.value.code == "unexpected_answer"


@pytest.mark.parametrize(
    ("failure", "sent"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout(""), False),
        (httpx.ReadTimeout("slow"), True),
        (httpx.RemoteProtocolError("gone"), True),
    ],
)
async def test_no_answer_is_another_error_than_a_refusal(failure, sent):
    async with answering(failure) as client:
        with pytest.raises(ServiceUnreachable, match=r"http://api\.example") as away:
            await client.get(ID)

    assert away.value.sent is sent


async def test_a_body_that_no_service_reads_is_not_sent():
    async with answering() as client:
        with pytest.raises(ApiError, match="over 10000000 bytes; it was not sent") as refused:
            await client.enqueue({"task_type": "noop", "payload": {"result": "x" * 10_000_000}})

    assert (refused.value.code, refused.value.status) == ("too_large", 413)


async def test_wait_returns_the_task_once_it_is_final():
    states = [in_state(state) for state in ("queued", "running", "retrying", "dead")]
    async with answering(*states) as client:
        assert (await client.wait(ID))["state"] == "dead"


async def test_wait_asks_often_at_first_and_then_about_once_a_second():
    time = Time()
    async with answering(*[in_state("running")] * 40, in_state("succeeded"), time=time) as client:
        await client.wait(ID)

    assert time.pauses[0] == pytest.approx(0.05)
    assert time.pauses == sorted(time.pauses)
    assert time.pauses[-1] == 1.0


async def test_wait_gives_up_at_its_limit_and_says_what_it_saw():
    time = Time()
    async with answering(in_state("running"), time=time) as client:
        with pytest.raises(WaitTimedOut, match="still running after 3 s") as late:
            await client.wait(ID, 3)

    assert time.now == pytest.approx(3)
    assert late.value.task["task_id"] == ID


async def test_wait_bears_a_short_outage():
    away = [httpx.ConnectError("refused"), httpx.Response(503, json={"code": "unavailable"})]
    async with answering(in_state("running"), *away, in_state("succeeded")) as client:
        assert (await client.wait(ID))["state"] == "succeeded"


async def test_wait_gives_up_after_ten_seconds_without_an_answer():
    time = Time()
    async with answering(httpx.ConnectError("refused"), time=time) as client:
        with pytest.raises(ServiceUnreachable):
            await client.wait(ID, 60)

    assert 10 <= time.now <= 12


async def test_an_outage_does_not_stretch_the_limit():
    time = Time()
    async with answering(httpx.ConnectError("refused"), time=time) as client:
        with pytest.raises(ServiceUnreachable):
            await client.wait(ID, 2)

    assert time.now <= 3


async def test_wait_does_not_repeat_what_was_refused():
    refusal = httpx.Response(404, json={"code": "not_found", "detail": "no task"})
    async with answering(refusal, in_state("succeeded")) as client:
        with pytest.raises(ApiError, match="no task"):
            await client.wait(ID)


@pytest.mark.parametrize(
    ("url", "trusts"),
    [
        ("http://127.0.0.1:5000", False),
        ("http://localhost:5000", False),
        ("http://[::1]:5000", False),
        ("https://tasks.example.com", True),
    ],
)
async def test_a_proxy_of_the_environment_never_stands_before_this_machine(url, trusts):
    async with Client(url) as client:
        assert client._http.trust_env is trusts


async def test_an_id_cannot_reach_another_path():
    paths = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(200, content=json.dumps({"task_id": ID}))

    async with Client("http://api.example", transport=httpx.MockTransport(answer)) as client:
        await client.get("../health?x#y")

    assert paths == [b"/tasks/..%2Fhealth%3Fx%23y"]
