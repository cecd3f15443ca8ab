"""`deliver_webhook` against a real HTTP server: what it sends, and what the answers mean."""

import hashlib
import hmac
import json

import pytest

from functions.deliver_webhook.delivery import NoAnswer
from functions.deliver_webhook.handler import WebhookFailed, WebhookRefused, deliver_webhook
from functions.deliver_webhook.payload import DeliverWebhook
from shared.domain.outcome import RetryLater
from tests.integration.task_types.conftest import TASK_ID
from tests.integration.task_types.receiver import Receiver, answering
from tests.support.ports import free_port

BODY = {"event": "paid", "order": 7, "name": "Zoë", "parts": [1, 2.5, None, True]}


def webhook(receiver: Receiver, path: str = "/hook", **payload) -> DeliverWebhook:
    return DeliverWebhook(url=f"http://{receiver.host}{path}", body=BODY, **payload)


@pytest.fixture
def deliver(receiver, context):
    """Deliver to the receiver, which the settings allow."""

    async def call(payload=None, *, attempt=1, now=lambda: 1_795_512_600.5, **settings):
        allowed = context(attempt=attempt, webhook_allow=(receiver.host,), **settings)
        return await deliver_webhook(payload or webhook(receiver), allowed, now=now)

    return call


async def test_the_receiver_gets_the_body_and_who_sent_it(receiver, deliver):
    payload = webhook(receiver, "/hook?a=b", headers={"X-Event": "paid"})
    await deliver(payload, attempt=3)

    (request,) = receiver.requests
    assert (request.method, request.path) == ("POST", "/hook?a=b")
    assert json.loads(request.body) == BODY
    assert {
        "Host": receiver.host,
        "Content-Type": "application/json",
        "Content-Length": str(len(request.body)),
        "User-Agent": "CloudTasker",
        "Cloudtasker-Task-Id": str(TASK_ID),
        "Cloudtasker-Attempt": "3",
        "X-Event": "paid",
    }.items() <= request.headers.items()
    assert "Cloudtasker-Signature" not in request.headers


async def test_the_signature_covers_the_time_and_the_very_bytes(receiver, deliver):
    await deliver(webhook_secret="s3cret")

    (request,) = receiver.requests
    signed = b"1795512600." + request.body
    expected = hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    assert request.headers["Cloudtasker-Signature"] == f"t=1795512600,v1={expected}"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_a_2xx_succeeds(receiver, deliver, status):
    receiver.answer = answering(status)

    result = await deliver()

    assert (result["status"], result["response"]) == (status, "")
    assert 0 <= result["duration_ms"] < 10_000


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 418, 422, 451])
async def test_a_4xx_rejects_the_task(receiver, deliver, status):
    receiver.answer = answering(status, text="order 7 of Zoë is unknown")

    with pytest.raises(WebhookRefused) as refused:
        await deliver()
    assert str(refused.value) == f"127.0.0.1 answered {status}"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 599])
async def test_what_may_pass_is_a_failure(receiver, deliver, status):
    receiver.answer = answering(status)

    with pytest.raises(WebhookFailed, match=f"answered {status}"):
        await deliver()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("header", ["90", "Tue, 24 Nov 2026 09:31:30 GMT"])
async def test_retry_after_is_obeyed(receiver, deliver, status, header):
    receiver.answer = answering(status, headers={"Retry-After": header})

    with pytest.raises(RetryLater, match=f"answered {status}") as later:
        await deliver(now=lambda: 1_795_512_600.0)  # 2026-11-24 09:30:00
    assert later.value.after_seconds == 90


async def test_retry_after_on_a_final_refusal_changes_nothing(receiver, deliver):
    receiver.answer = answering(404, headers={"Retry-After": "90"})

    with pytest.raises(WebhookRefused):
        await deliver()


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_rejects_the_task(receiver, deliver, status):
    elsewhere = {"Location": f"http://{receiver.host}/elsewhere"}
    receiver.answer = answering(status, headers=elsewhere)

    with pytest.raises(WebhookRefused, match="redirects are not followed"):
        await deliver()
    assert [request.path for request in receiver.requests] == ["/hook"]


async def test_a_receiver_that_is_not_there_is_a_failure(context):
    host = f"127.0.0.1:{free_port()}"
    payload = DeliverWebhook(url=f"http://{host}/", body={})

    with pytest.raises(NoAnswer, match="ConnectError"):
        await deliver_webhook(payload, context(webhook_allow=(host,)))


async def test_proxies_of_the_environment_are_not_used(receiver, deliver, monkeypatch):
    async with Receiver() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.host}")
            monkeypatch.setenv(name.lower(), f"http://{proxy.host}")
        await deliver()

    assert (len(receiver.requests), proxy.requests) == (1, [])


async def test_the_log_has_neither_the_url_nor_the_body(receiver, deliver, caplog):
    caplog.set_level("INFO")

    await deliver(webhook(receiver, "/hook?token=canary-7f3a"))

    assert "canary-7f3a" not in caplog.text


async def test_a_2xx_that_was_recorded_is_not_asked_for_again_but_a_failure_is(receiver, context):
    asked = context(webhook_allow=(receiver.host,))
    receiver.answer = answering(500)
    with pytest.raises(WebhookFailed):
        await deliver_webhook(webhook(receiver), asked)
    receiver.answer = answering(200)

    results = [await deliver_webhook(webhook(receiver), asked) for _ in range(2)]

    assert len(receiver.requests) == 2
    assert results[0] == results[1]
