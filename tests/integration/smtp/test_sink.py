"""The mail sink as a process: SMTP in, HTTP out."""

import asyncio
import json
import smtplib
import subprocess
import sys
import urllib.request
from email.message import EmailMessage

import aiosmtplib
import pytest

from tests.integration.stack.conftest import eventually
from tests.support.ports import free_port


@pytest.fixture
def sink():
    smtp_port, http_port = free_port(), free_port()
    ports = ["--smtp-port", str(smtp_port), "--http-port", str(http_port)]
    process = subprocess.Popen([sys.executable, "-m", "emulators.smtp", *ports])
    url = f"http://127.0.0.1:{http_port}"
    eventually(lambda: json.load(urllib.request.urlopen(f"{url}/health", timeout=5)), 30)
    yield smtp_port, url
    process.terminate()
    assert process.wait(60) in (-15, 0)


def mail(to: str = "b@example.com") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", to, "Welcome!"
    message.set_content("Hello")
    return message


def inbox(url: str) -> list[dict]:
    return json.load(urllib.request.urlopen(f"{url}/messages", timeout=30))


async def test_what_is_sent_is_in_the_inbox(sink):
    port, url = sink

    await aiosmtplib.send(mail(), hostname="127.0.0.1", port=port)

    [listed] = await asyncio.to_thread(inbox, url)
    assert (listed["subject"], listed["to"]) == ("Welcome!", ["b@example.com"])


def test_recipients_are_those_of_the_envelope(sink):
    port, url = sink
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(mail(), to_addrs=["hidden@example.com", "c@example.com"])

    assert inbox(url)[0]["to"] == ["hidden@example.com", "c@example.com"]


def test_a_mail_that_is_too_large_is_refused(sink):
    port, url = sink
    with smtplib.SMTP("127.0.0.1", port) as client, pytest.raises(smtplib.SMTPException):
        client.sendmail("a@example.com", ["b@example.com"], b"x" * (11 * 1024 * 1024))

    assert inbox(url) == []
