from datetime import UTC, datetime
from email.message import EmailMessage

from starlette.testclient import TestClient

from emulators.smtp.http import app_for
from emulators.smtp.inbox import Inbox

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def raw(subject: str = "Welcome!", text: str = "Hello", html: str = "") -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "a@example.com"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message.as_bytes()


def kept(inbox: Inbox, subject: str = "Welcome!", **content: str):
    return inbox.add("a@example.com", ["b@example.com"], raw(subject, **content), NOW)


def test_the_newest_comes_first():
    inbox = Inbox()
    kept(inbox, "one")
    kept(inbox, "two")

    assert [mail.summary()["subject"] for mail in inbox.newest_first()] == ["two", "one"]


def test_the_oldest_makes_room_by_number():
    inbox = Inbox(max_messages=2)
    first = kept(inbox, "one")
    kept(inbox, "two")
    kept(inbox, "three")

    assert inbox.get(first.id) is None
    assert len(inbox.newest_first()) == 2


def test_the_oldest_makes_room_by_size():
    size = len(raw("one"))
    inbox = Inbox(max_bytes=2 * size)
    first = kept(inbox, "one")
    kept(inbox, "two")
    assert inbox.get(first.id) is not None

    kept(inbox, "six")
    assert inbox.get(first.id) is None


def test_clearing_forgets_the_sizes_too():
    inbox = Inbox(max_bytes=len(raw("one")))
    kept(inbox, "one")
    inbox.clear()
    kept(inbox, "two")

    assert len(inbox.newest_first()) == 1


def test_a_whole_mail_has_headers_bodies_and_source():
    mail = kept(Inbox(), "Grüße", text="Hallo Jürgen", html="<b>Hallo</b>")

    whole = mail.whole()

    assert whole["subject"] == "Grüße"
    assert ["Subject", "Grüße"] in whole["headers"]
    assert whole["text"] == "Hallo Jürgen\n"
    assert whole["html"] == "<b>Hallo</b>\n"
    assert "MIME-Version" in whole["raw"]


def test_a_mail_that_is_hardly_one_is_shown_nevertheless():
    mail = Inbox().add("", [], b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe", NOW)

    assert mail.whole()["text"] == "\ufffd\ufffd"
    assert mail.summary()["subject"] == ""


def test_the_inbox_over_http():
    inbox = Inbox()
    mail = kept(inbox)
    client = TestClient(app_for(inbox))

    [listed] = client.get("/messages").json()
    assert listed == {
        "id": mail.id,
        "from": "a@example.com",
        "to": ["b@example.com"],
        "subject": "Welcome!",
        "received_at": "2026-11-24T10:00:00+00:00",
        "size_bytes": len(mail.raw),
    }
    assert client.get(f"/messages/{mail.id}").json()["text"] == "Hello\n"
    assert client.get("/messages/none").status_code == 404
    assert client.delete("/messages").status_code == 204
    assert client.get("/messages").json() == []
