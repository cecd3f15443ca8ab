"""`tasks watch`: a line for each change, the exit code of the end, and streams that break off."""

import json

import httpx
import pytest

from shared.cli.tasks_watch import line
from shared.client import ApiError, Client, Clock, ServiceUnreachable
from shared.domain.outcome import Failed, Failure, Rejected, Succeeded
from tests.contract.api.rest_app import BASE_URL


def test_a_task_that_succeeded_is_one_line_and_exit_code_0(cloudtasker):
    task_id = cloudtasker.enqueue()
    cloudtasker.finish(task_id, Succeeded(None))
    outcome = cloudtasker("tasks", "watch", task_id)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "2026-11-24 12:00:01.500 UTC  succeeded  attempt 1\n"


def test_a_task_that_died_says_why_and_exits_with_failure(cloudtasker):
    task_id = cloudtasker.enqueue()
    cloudtasker.finish(task_id, Rejected(Failure("Oops", "no\x1b[2J")))
    outcome = cloudtasker("tasks", "watch", task_id)
    assert outcome.code == 1
    assert "dead  attempt 1  Oops: no" in outcome.out
    assert "\x1b" not in outcome.out


def test_a_task_that_is_retried_stands_so_since_its_attempt_failed(cloudtasker):
    task_id = cloudtasker.enqueue()
    cloudtasker.finish(task_id, Failed(Failure("Oops", "no")))
    task = cloudtasker("tasks", "get", task_id, "-o", "json").document
    assert line(task) == "2026-11-24 12:00:01.500 UTC  retrying  attempt 1  Oops: no"


def test_json_is_the_whole_task_a_line(cloudtasker):
    task_id = cloudtasker.enqueue()
    cloudtasker.finish(task_id, Succeeded({"n": 1}))
    assert cloudtasker("tasks", "watch", task_id, "-o", "json").document["result"] == {"n": 1}


def test_an_unknown_task_is_not_found(cloudtasker):
    outcome = cloudtasker("tasks", "watch", "019aae00-0000-7000-8000-000000000000")
    assert (outcome.code, outcome.err.split()[0]) == (3, "CT303")


def event(mark, **task):
    return f"id: {mark}\nevent: state\ndata: {json.dumps(task)}\n\n"


class Answers(httpx.AsyncBaseTransport):
    """Gives its answers one after the other, and remembers what it was asked."""

    def __init__(self, *answers) -> None:
        self._answers = list(answers)
        self.asked = []

    async def handle_async_request(self, request):
        self.asked.append(request.headers.get("last-event-id"))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Broken(httpx.AsyncByteStream):
    """A body that breaks off in the middle of an event."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def __aiter__(self):
        yield self._text.encode()
        raise httpx.ReadError("reset")


async def watched(*answers):
    transport, slept = Answers(*answers), []

    async def sleep(seconds):
        slept.append(seconds)

    async with Client(BASE_URL, transport=transport, clock=Clock(sleep=sleep)) as client:
        seen = [task["state"] async for task in client.watch("t")]
    return seen, transport.asked


async def test_a_stream_that_breaks_off_goes_on_where_it_was():
    first = "retry: 1\n\n" + event("a", state="queued") + ": heartbeat\n\nid: b\ndata: {"
    seen, asked = await watched(
        httpx.Response(200, stream=Broken(first)),
        httpx.ConnectError("refused"),
        httpx.Response(200, text=event("b", state="running")),
        httpx.Response(200, text=event("c", state="cancelled")),
    )
    assert seen == ["queued", "running", "cancelled"]
    assert asked == [None, "a", "a", "b"]


async def test_a_task_whose_end_was_seen_ends_the_watch():
    assert await watched(httpx.Response(204)) == ([], [None])


async def test_a_service_that_stays_away_is_unreachable():
    with pytest.raises(ServiceUnreachable):
        await watched(*[httpx.ConnectError("refused")] * 10)


async def test_a_refusal_is_the_api_s():
    problem = {"status": 404, "code": "not_found", "detail": "no task", "errors": []}
    with pytest.raises(ApiError, match="no task"):
        await watched(httpx.Response(404, json=problem))
