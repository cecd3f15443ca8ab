"""From a payload to a MIME message."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from functions.send_email.message import compose, deliverable, message_id_of
from functions.send_email.payload import SendEmail

TASK_ID = UUID("0190c5e4-7a3b-7def-8abc-1234567890ab")
WRITTEN_AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SENDER = "CloudTasker <no-reply@example.com>"


def composed(**payload) -> EmailMessage:
    """The message as a receiver reads it from the wire."""
    given = {"to": "test@example.com", "subject": "Welcome!", "body": "Hello!", **payload}
    message = compose(
        SendEmail.model_validate(given), sender=SENDER, message_id="<1@x>", written_at=WRITTEN_AT
    )
    return message_from_bytes(message.as_bytes(), policy=default)


def test_the_headers_are_complete():
    message = composed(reply_to="help@example.com")

    assert {
        "From": SENDER,
        "To": "test@example.com",
        "Subject": "Welcome!",
        "Date": "Tue, 24 Nov 2026 09:30:00 +0000",
        "Message-ID": "<1@x>",
        "Reply-To": "help@example.com",
    }.items() <= dict(message.items()).items()


def test_a_text_alone_is_a_plain_message():
    message = composed(body="Grüße\nvon uns")

    assert message.get_content_type() == "text/plain"
    assert message.get_content().splitlines() == ["Grüße", "von uns"]
    assert "Reply-To" not in message


def test_html_comes_as_an_alternative_after_the_text():
    message = composed(html="<p>Hello!</p>")

    assert message.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.get_body(("html",)).get_content().strip() == "<p>Hello!</p>"


def test_no_line_is_longer_than_a_server_takes():
    message = compose(
        SendEmail(to="test@example.com", subject="s" * 200, body="long " * 10_000),
        sender=SENDER,
        message_id="<1@x>",
        written_at=WRITTEN_AT,
    )

    assert max(map(len, message.as_bytes().split(b"\r\n"))) <= 998


ONE_LINE = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
ANYTHING = st.characters(exclude_categories=["Cs"])


@given(st.text(ONE_LINE, min_size=1, max_size=200), st.text(ANYTHING, max_size=300))
def test_no_subject_and_no_body_can_add_a_header(subject, body):
    message = composed(subject=subject, body=f"Bcc: victim@example.com\r\n\r\n{body}")

    assert {"From", "To", "Subject", "Date", "Message-ID"} == set(message.keys()) - {
        "Content-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
    }


def test_the_message_id_is_the_same_on_each_attempt_and_another_after_a_redrive():
    first = message_id_of(TASK_ID, 0, SENDER)

    assert f"<{TASK_ID}.0@example.com>" == first == message_id_of(TASK_ID, 0, SENDER)
    assert f"<{TASK_ID}.1@example.com>" == message_id_of(TASK_ID, 1, SENDER)


def test_an_international_domain_goes_out_in_ascii():
    assert deliverable("a@bücher.example.com") == "a@xn--bcher-kva.example.com"
    assert deliverable("müller@example.com") == "müller@example.com"
    assert deliverable("a@example.com") == "a@example.com"
