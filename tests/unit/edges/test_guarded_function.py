"""The shell of every function: paths, methods, who is let in, what is said and what is logged."""

import asyncio
import json
import types
from dataclasses import replace

import pytest
from starlette.requests import Request

from shared.domain.errors import Code, LedgerUnavailable, Misconfigured
from shared.domain.settlement import Answer
from shared.edges.guarded_function import guarded_function
from shared.edges.push_answers import ANSWER_TO, STATUS_OF
from shared.edges.push_endpoint import PushEndpoint
from shared.edges.task_function import task_function
from shared.readiness import Readiness
from tests.support.push import binary_event, calling, structured_event
from tests.support.tokens import AUDIENCE, EMAIL, claims, key_server, token
from tests.unit.edges.stage import SETTINGS, Script, staged_function

UNAUTHENTICATED = b'{"error":"unauthenticated"}'


@pytest.fixture
def signed():
    with key_server() as server:
        yield replace(
            SETTINGS,
            push_auth="signature",
            push_issuer_keys_url=server.url,
            push_audience=AUDIENCE,
            push_service_account=EMAIL,
        )


def bearer(**changes):
    return {"authorization": f"Bearer {token(claims(**changes))}"}


def test_what_is_deployed_is_a_plain_function_of_the_targets_name():
    function = task_function("greet", Script().greet)

    assert isinstance(function, types.FunctionType)
    assert function.__name__ == "greet"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_delivery_is_a_post_and_nothing_else(stage, method):
    answer = await stage.client.request(method, "/")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/ready", "/health"])
async def test_a_probe_is_a_get_and_nothing_else(stage, path):
    answer = await stage.client.post(path)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/x", "/ready/", "/enqueue-task", "/%2e%2e/etc"])
async def test_there_are_no_other_paths(stage, path):
    assert (await stage.client.post(path)).status_code == 404


async def test_a_function_is_ready_when_its_ledger_is(stage):
    answer = await stage.client.get("/ready")

    assert (answer.status_code, answer.json()) == (200, {"ready": True})


async def test_a_function_that_is_not_ready_names_what_is_not(stage):
    async def away():
        raise LedgerUnavailable("postgres did not answer")

    stage.ledger.ping = away
    answer = await stage.client.get("/ready")

    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "problems": {"postgres": "postgres did not answer"}}


async def test_health_needs_nothing_but_the_process():
    def broken():
        raise AssertionError("opened for /health")

    async with calling(guarded_function("greet", broken)) as client:
        assert (await client.get("/health")).status_code == 200


async def test_a_misconfigured_function_answers_500_and_says_why_only_in_its_log(log_lines):
    def misconfigured():
        raise Misconfigured("CLOUDTASKER_DATABASE_URL is not set")

    async with calling(guarded_function("greet", misconfigured)) as client:
        answer = await client.post("/", json={})
        ready = await client.get("/ready")

    assert (answer.status_code, answer.content) == (500, b"")
    assert ready.status_code == 503
    assert "DATABASE_URL" not in ready.text
    assert [(line["event"], line["why"]) for line in log_lines()] == [
        ("misconfigured", "CLOUDTASKER_DATABASE_URL is not set")
    ] * 2


async def test_without_an_expected_audience_nobody_is_let_in(open_stage):
    async with open_stage(replace(SETTINGS, push_auth="signature")) as stage:
        task_id = await stage.add()

        assert (await stage.push(task_id)).status_code == 500
        assert (await stage.client.get("/ready")).status_code == 503
        assert stage.script.runs == []


async def test_a_fault_is_a_plain_500_whose_traceback_is_only_logged(stage, log_lines):
    async def broken(*_):
        raise ZeroDivisionError("in the ledger")

    stage.ledger.claim = broken
    answer = await stage.push(await stage.add())

    assert (answer.status_code, answer.content) == (500, b"")
    assert "x-google-status" not in answer.headers
    [fault] = [line for line in log_lines() if line["event"] == "fault"]
    assert fault["severity"] == "ERROR"
    assert "ZeroDivisionError: in the ledger" in fault["message"]


async def test_a_push_with_its_token_is_run(open_stage, signed):
    async with open_stage(signed) as stage:
        body = json.dumps(stage.body(await stage.add())).encode()

        assert (await stage.post(body, bearer())).status_code == 204
        assert len(stage.script.runs) == 1


async def test_without_a_token_nothing_is_read_run_or_kept_and_the_answer_is_constant(
    open_stage, signed, log_lines
):
    async with open_stage(signed) as stage:
        task_id = await stage.add()
        body = json.dumps(stage.body(task_id)).encode()

        answers = [
            await stage.post(body),
            await stage.post(body, {"authorization": "Bearer a.b.c"}),
            await stage.post(body, bearer(aud="https://other.example.com")),
            await stage.post(b"not a push"),
            await stage.post(b"x" * 2_000_000, bearer(email="x@example.com")),
        ]

        assert {(a.status_code, a.content) for a in answers} == {(401, UNAUTHENTICATED)}
        assert {a.headers["www-authenticate"] for a in answers} == {"Bearer"}
        assert stage.script.runs == []
        assert stage.ledger.desk == {}
        refusals = [line for line in log_lines() if line["event"] == "token_refused"]
        assert len(refusals) == 5
        assert "no Authorization header" in refusals[0]["why"]
        assert "a.b.c" not in json.dumps(refusals)


@pytest.mark.parametrize("form", [binary_event, structured_event])
async def test_a_forged_cloud_event_is_refused_for_want_of_a_token(open_stage, signed, form):
    async with open_stage(signed) as stage:
        headers, body = form(stage.body(await stage.add()))

        assert (await stage.post(body, headers)).status_code == 401
        assert (await stage.post(body, {**headers, **bearer()})).status_code == 204
        assert len(stage.script.runs) == 1


async def test_two_authorization_headers_are_refused(open_stage, signed):
    async with open_stage(signed) as stage:
        body = json.dumps(stage.body(await stage.add())).encode()
        good = bearer()["authorization"]

        answer = await stage.client.post(
            "/", content=body, headers=[("authorization", good), ("authorization", good)]
        )

        assert answer.status_code == 401


AUDIENCES = {"a": "https://a.example.com", "b": "https://b.example.com"}


@pytest.mark.parametrize("token_of", AUDIENCES)
@pytest.mark.parametrize("used_on", AUDIENCES)
async def test_a_token_for_one_function_is_no_token_for_another(
    open_stage, signed, token_of, used_on
):
    settings = replace(signed, push_audience=AUDIENCES[used_on])
    async with open_stage(settings) as stage:
        body = json.dumps(stage.body(await stage.add())).encode()

        answer = await stage.post(body, bearer(aud=AUDIENCES[token_of]))

        assert answer.status_code == (204 if token_of == used_on else 401)
        assert len(stage.script.runs) == (1 if token_of == used_on else 0)


OTHERS = [
    "",
    "tasks-greet-push",
    "projects/cloudtasker-local/subscriptions/tasks-dance-push",
    "projects/cloudtasker-local/subscriptions/tasks-greet-dead-push",
    "projects/cloudtasker-local/subscriptions/tasks-greet-push2",
    "projects/another/subscriptions/tasks-greet-push",
    "PROJECTS/cloudtasker-local/subscriptions/tasks-greet-push",
]


@pytest.mark.parametrize("subscription", OTHERS)
@pytest.mark.parametrize("push_auth", ["none", "signature"])
async def test_a_push_of_another_subscription_is_refused_even_with_a_good_token(
    open_stage, signed, subscription, push_auth
):
    async with open_stage(replace(signed, push_auth=push_auth)) as stage:
        task_id = await stage.add()
        body = json.dumps(stage.body(task_id, subscription=subscription)).encode()

        answer = await stage.post(body, bearer())

        assert answer.status_code == 403
        assert stage.script.runs == []
        assert (await stage.task(task_id)).attempt == 0


async def test_what_cannot_be_decoded_is_kept_raw_and_acked(stage):
    answers = [await stage.post(b'{"nonsense": \xff'), await stage.post(b'{"nonsense": \xff')]

    assert [a.status_code for a in answers] == [204, 204]
    [(message_id, entry)] = stage.ledger.desk.items()
    assert message_id.startswith("sha256:")
    assert entry.delivery.data == b'{"nonsense": \xff'
    assert "cannot be decoded" in entry.reason


async def test_an_envelope_of_ours_without_its_message_is_kept_and_not_run(stage):
    task_id = await stage.add()
    envelope = {"task_id": str(task_id), "generation": 0, "task_type": "greet"}

    answer = await stage.post(json.dumps(envelope).encode())

    assert answer.status_code == 204
    assert len(stage.ledger.desk) == 1
    assert stage.script.runs == []


async def test_a_body_over_the_limit_is_not_read_to_its_end_and_its_start_is_kept(stage):
    sent = 0

    async def endless():
        nonlocal sent
        while sent < 50_000_000:
            sent += 65_536
            yield b"x" * 65_536

    answer = await stage.client.post("/", content=endless())

    assert answer.status_code == 204
    assert len(next(iter(stage.ledger.desk.values())).delivery.data) == 1_000_000


async def test_a_desk_that_cannot_be_written_is_a_nack(stage):
    async def away(_):
        raise LedgerUnavailable("postgres did not answer")

    stage.ledger.keep_on_desk = away

    assert (await stage.post(b"{")).status_code == 503


def test_every_code_of_the_domain_has_an_answer():
    assert set(ANSWER_TO) == set(Code)


def test_every_answer_has_a_status_that_pubsub_understands():
    assert set(STATUS_OF) == set(Answer)
    assert STATUS_OF[Answer.ACK] in (200, 201, 202, 204)
    assert STATUS_OF[Answer.NACK] >= 400


def test_only_a_lost_lease_is_acked_when_nothing_was_recorded():
    acked = {code for code, answer in ANSWER_TO.items() if answer.status < 300}

    assert acked == {Code.LEASE_LOST}


async def test_a_broken_opening_is_tried_again_at_the_next_request(stage):
    attempts = []
    inner = staged_function(stage.script, stage.ledger)

    class Twice:
        settings = SETTINGS
        readiness = Readiness()

        async def post(self, request):
            return await inner(request)

        async def drain(self):
            raise AssertionError

    def open_endpoint():
        attempts.append(1)
        if len(attempts) == 1:
            raise Misconfigured("not yet")
        return Twice()

    async with calling(guarded_function("greet", open_endpoint)) as client:
        statuses = [(await client.get("/ready")).status_code for _ in range(3)]

    assert statuses == [503, 200, 200]
    assert len(attempts) == 2


class Impatient(PushEndpoint):
    """Takes nothing; waits 20 ms for a body."""

    body_seconds = 0.02

    def expects(self, subscription):
        raise AssertionError

    async def deliver(self, delivery):
        raise AssertionError

    async def keep(self, delivery, reason):
        raise AssertionError

    async def drain(self):
        raise AssertionError


async def test_a_caller_who_does_not_end_its_body_is_cut_off():
    begun = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive():
        return begun.pop() if begun else await asyncio.Event().wait()

    request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)

    assert (await Impatient(SETTINGS, Readiness()).post(request)).status_code == 408
