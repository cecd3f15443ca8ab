"""The scheduler against a server of the test: the target and the issuer of tokens in one."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from emulators.scheduler.job import Job
from emulators.scheduler.runner import Runner
from tests.support.ports import free_port

ACCOUNT = "scheduler@cloudtasker-local.iam.gserviceaccount.com"


class Server:
    """Answers the token endpoint, and the target by `statuses` in turn (then 200)."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.called = asyncio.Event()
        self.hold: asyncio.Event | None = None

    async def __aenter__(self) -> "Server":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", free_port())
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.hold:
            self.hold.set()
        self._server.close()

    async def _serve(self, reader, writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if "generateIdToken" in head[0]:
            asked = json.loads(body)
            answer = json.dumps({"token": f"for {asked['audience']}"}).encode()
            status = 200
        else:
            self.calls.append((head[0], headers, body))
            self.called.set()
            status, answer = (self.statuses.pop(0) if self.statuses else 200), b""
            if self.hold:
                await self.hold.wait()
        writer.write(
            b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(answer)) + answer
        )
        await writer.drain()
        writer.close()

    async def calls_reach(self, number: int) -> None:
        async with asyncio.timeout(10):
            while len(self.calls) < number:
                self.called.clear()
                await self.called.wait()


@pytest.fixture
async def server():
    async with Server() as server:
        yield server


def job(server: Server, **more: object) -> Job:
    minimal = {"name": "relay", "schedule": "* * * * *", "uri": f"{server.url}/work?a=1"}
    return Job.from_config(minimal | more)


@pytest.fixture
async def fire(server):
    """Fire a job now, in the background, as the schedule would."""
    tasks: list[asyncio.Task[None]] = []

    def fire(this: Job) -> asyncio.Task[None]:
        runner = Runner([this], server.url)
        tasks.append(asyncio.create_task(runner._fire(this, datetime.now(UTC))))
        return tasks[-1]

    yield fire
    for task in tasks:
        task.cancel()


async def test_a_job_is_called_at_the_start_with_a_token_for_its_audience(server):
    oidc = {"service_account_email": ACCOUNT, "audience": "https://relay"}
    runner = asyncio.create_task(Runner([job(server, oidc=oidc, body="{}")], server.url).run())

    await server.calls_reach(1)

    runner.cancel()
    [(line, headers, body)] = server.calls
    assert line == "POST /work?a=1 HTTP/1.1"
    assert headers["authorization"] == "bearer for https://relay"
    assert headers["x-cloudscheduler"] == "true"
    assert body == b"{}"


async def test_a_failed_attempt_is_repeated_as_often_as_the_job_allows(server, fire):
    server.statuses = [500, 503, 500, 200]
    retry = {"count": 2, "min_backoff_seconds": 0.01}

    await fire(job(server, retry=retry))

    assert len(server.calls) == 3


async def test_a_success_is_not_repeated(server, fire):
    await fire(job(server, retry={"count": 2, "min_backoff_seconds": 0.01}))

    assert len(server.calls) == 1


async def test_calls_may_overlap(server, fire):
    server.hold = asyncio.Event()

    first, second = fire(job(server)), fire(job(server))

    await server.calls_reach(2)
    assert not first.done()
    assert not second.done()


async def test_an_answer_that_does_not_come_within_the_deadline_is_a_failure(server, fire, capsys):
    server.hold = asyncio.Event()

    await asyncio.wait_for(fire(job(server, attempt_deadline_seconds=0.1)), 5)

    assert "relay was not reached: TimeoutError" in capsys.readouterr().out


async def test_a_target_that_is_away_is_told_in_one_line(server, fire, capsys):
    away = Job.from_config({"name": "relay", "schedule": "* * * * *", "uri": "http://127.0.0.1:1/"})

    await fire(away)

    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["severity"] == "WARNING"
    assert "ConnectionRefusedError" in line
