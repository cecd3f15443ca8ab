"""One POST of `deliver_webhook`: bounded in time and size, and pinned to the checked address."""

import asyncio
import gzip

import pytest
from aiohttp import web
from pydantic import HttpUrl, ValidationError

from functions.deliver_webhook.delivery import NoAnswer, Patience, WebhookRequest, post
from functions.deliver_webhook.payload import DeliverWebhook
from shared.edges.address_guard import BlockedAddress, Target, checked_target
from tests.integration.task_types.receiver import Receiver, answering
from tests.integration.task_types.trickle import trickling
from tests.unit.edges.hostile_urls import HOSTILE_URLS, lying_dns

IMPATIENT = Patience(connect_seconds=5, answer_seconds=0.2, excerpt_seconds=0.2)
HERE = Target("hooks.example.com", ("127.0.0.1",))


def request_to(port: int, target: Target = HERE, scheme: str = "http") -> WebhookRequest:
    url = HttpUrl(f"{scheme}://{target.host}:{port}/hook")
    return WebhookRequest(url, target, b"{}", {"Accept-Encoding": "identity"})


async def test_no_hostile_url_reaches_a_listener_on_this_machine(receiver):
    for template in HOSTILE_URLS:
        url = template.format(port=f":{receiver.port}")
        try:
            checked = DeliverWebhook(url=url, body={}).url
            target = await checked_target(checked, resolve=lying_dns, ports=[receiver.port])
            await post(WebhookRequest(checked, target, b"{}", {}), patience=IMPATIENT)
        except (ValidationError, BlockedAddress, NoAnswer):
            continue
    assert receiver.requests == []


async def test_the_connection_goes_to_the_checked_address_under_the_urls_name(receiver):
    await post(request_to(receiver.port))  # no DNS knows this name

    (request,) = receiver.requests
    assert request.headers["Host"] == f"hooks.example.com:{receiver.port}"


async def test_a_dns_that_changes_its_mind_after_the_check_gains_nothing(receiver):
    answers = iter([["127.0.0.1"], ["::1"]])

    async def rebinding(host: str, port: int) -> list[str]:
        return next(answers)

    url = HttpUrl(f"http://rebind.example.com:{receiver.port}/")
    allow = [f"rebind.example.com:{receiver.port}"]
    target = await checked_target(url, allow=allow, resolve=rebinding)
    await post(WebhookRequest(url, target, b"{}", {}))

    assert len(receiver.requests) == 1
    assert list(answers) == [["::1"]]


async def test_the_next_address_is_tried_where_one_is_deaf(receiver):
    answer = await post(
        request_to(receiver.port, Target("hooks.example.com", ("::1", "127.0.0.1")))
    )

    assert answer.status == 200


async def test_tls_proves_the_urls_name_not_the_address(certificates):
    async with Receiver(certificates.server) as receiver:
        answer = await post(request_to(receiver.port, scheme="https"), tls=certificates.client)

    assert answer.status == 200


async def test_a_certificate_for_another_name_is_no_answer(certificates):
    other = Target("other.example.com", ("127.0.0.1",))
    async with Receiver(certificates.server) as receiver:
        with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
            await post(request_to(receiver.port, other, "https"), tls=certificates.client)

    assert receiver.requests == []


async def test_a_certificate_that_nobody_signed_is_no_answer(certificates):
    async with Receiver(certificates.server) as receiver:
        with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
            await post(request_to(receiver.port, scheme="https"))

    assert receiver.requests == []


async def test_a_slow_receiver_is_no_answer_in_time(receiver):
    async def never(_):
        return await asyncio.Event().wait()

    receiver.answer = never

    with pytest.raises(NoAnswer, match=r"hooks\.example\.com: (Read)?Time"):
        await post(request_to(receiver.port), patience=IMPATIENT)


async def test_an_answer_that_trickles_in_is_no_answer_in_time():
    async with trickling(b"HTTP/1.1 200 OK\r\nX-Long: ", b".") as port:
        with pytest.raises(NoAnswer, match="TimeoutError"):
            await post(request_to(port), patience=IMPATIENT)


async def test_a_text_that_trickles_in_is_read_for_its_time():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9999\r\n\r\n"
    async with trickling(head, b".") as port:
        answer = await post(request_to(port), patience=IMPATIENT)

    assert answer.status == 200
    assert set(answer.excerpt) == {"."}


async def test_what_is_not_http_is_no_answer():
    async with trickling(b"220 mail.example.com ESMTP\r\n\r\n", b".") as port:
        with pytest.raises(NoAnswer, match="RemoteProtocolError"):
            await post(request_to(port))


async def test_an_endless_answer_is_read_to_the_limit_and_dropped(receiver):
    gone = asyncio.Event()

    async def endless(request):
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        try:
            for _ in range(1000):
                await response.write(b"all work and no play " * 1000)
            return await asyncio.Event().wait()
        finally:
            gone.set()

    receiver.answer = endless
    patient = Patience(excerpt_seconds=60)
    answer = await asyncio.wait_for(post(request_to(receiver.port), patience=patient), 10)

    assert len(answer.excerpt) == 4096
    await asyncio.wait_for(gone.wait(), 5)


async def test_a_text_that_stalls_does_not_undo_the_status(receiver):
    async def stalls(request):
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(b"so far")
        return await asyncio.Event().wait()

    receiver.answer = stalls
    answer = await post(request_to(receiver.port), patience=IMPATIENT)

    assert (answer.status, answer.excerpt) == (200, "so far")


async def test_a_text_that_breaks_off_does_not_undo_the_status(receiver):
    async def breaks(request):
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.content_length = 100
        await response.prepare(request)
        await response.write(b"so far")
        request.transport.close()
        return response

    receiver.answer = breaks
    answer = await post(request_to(receiver.port))

    assert (answer.status, answer.excerpt) == (200, "so far")


@pytest.mark.parametrize(
    ("content_type", "excerpt"),
    [
        ("text/plain", "Zoë"),
        ("application/json; charset=utf-8", "Zoë"),
        ("application/problem+json", "Zoë"),
        ("application/octet-stream", ""),
        ("image/png", ""),
    ],
)
async def test_only_text_is_kept(receiver, content_type, excerpt):
    headers = {"Content-Type": content_type}
    receiver.answer = answering(200, body="Zoë".encode(), headers=headers)

    assert (await post(request_to(receiver.port))).excerpt == excerpt


@pytest.mark.parametrize("body", [b"a\0b", b"a\xffb", b"a\xed\xa0\x80b"])
async def test_what_a_row_cannot_hold_is_replaced(receiver, body):
    receiver.answer = answering(200, body=body, headers={"Content-Type": "text/plain"})

    excerpt = (await post(request_to(receiver.port))).excerpt

    assert set(excerpt) == {"a", "\ufffd", "b"}


async def test_a_compressed_answer_is_not_unpacked(receiver):
    headers = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    receiver.answer = answering(200, body=gzip.compress(b"0" * 10_000_000), headers=headers)

    answer = await post(request_to(receiver.port))

    assert (answer.status, answer.excerpt) == (200, "")
