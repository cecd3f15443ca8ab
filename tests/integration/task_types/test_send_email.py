"""`send_email` against a real SMTP server."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from functions.send_email.handler import send_email
from functions.send_email.message import compose
from functions.send_email.payload import SendEmail
from functions.send_email.smtp import NotSent, deliver
from shared.domain.outcome import RejectTask
from shared.settings import Smtp
from tests.integration.task_types.mail_server import MailServer
from tests.integration.task_types.trickle import trickling
from tests.support.ports import free_port

SENDER = "CloudTasker <no-reply@example.com>"
WELCOME = SendEmail(to="test@example.com", subject="Welcome!", body="Hello from CloudTasker!")
MESSAGE = compose(WELCOME, sender=SENDER, message_id="<1@x>", written_at=datetime.now(UTC))


async def test_the_mail_arrives_and_the_result_says_under_which_id(mail_server, context):
    result = await send_email(WELCOME, context(smtp=mail_server.smtp()))

    (taken,) = mail_server.taken
    assert (taken.sender, taken.recipients) == ("no-reply@example.com", ["test@example.com"])
    assert taken.client == "example.com"
    assert taken.message["Subject"] == "Welcome!"
    assert taken.message["From"] == SENDER
    assert taken.message.get_content().strip() == "Hello from CloudTasker!"
    assert result == {
        "message_id": taken.message["Message-ID"],
        "accepted_by": f"127.0.0.1:{mail_server.port}",
    }


async def test_a_second_attempt_sends_under_the_same_id_and_a_redrive_does_not(
    mail_server, context
):
    for attempt, generation in ((1, 0), (2, 0), (1, 1)):
        settings = {"smtp": mail_server.smtp()}
        await send_email(WELCOME, context(attempt=attempt, generation=generation, **settings))

    first, second, redriven = [taken.message["Message-ID"] for taken in mail_server.taken]
    assert first == second != redriven


async def test_an_attempt_that_was_recorded_is_not_sent_again(mail_server, context):
    first = context(smtp=mail_server.smtp())
    second = replace(first, attempt=2)

    results = [await send_email(WELCOME, one) for one in (first, second)]

    assert len(mail_server.taken) == 1
    assert results[0] == results[1]


async def test_text_html_and_lone_dots_survive_the_way(mail_server, context):
    body = ".\n..\nQUIT\n.\r\nBcc: victim@example.com\nZoë"
    payload = WELCOME.model_copy(update={"body": body, "html": "<p>.</p>\n.\n<p>Zoë</p>"})

    await send_email(payload, context(smtp=mail_server.smtp()))

    (taken,) = mail_server.taken
    text, html = [part.get_content() for part in taken.message.iter_parts()]
    assert text.splitlines() == body.splitlines()
    assert html.splitlines() == payload.html.splitlines()
    assert taken.recipients == ["test@example.com"]


async def test_an_international_domain_needs_nothing_of_the_server(mail_server, context):
    payload = WELCOME.model_copy(update={"to": "zoe@bücher.example.com"})

    await send_email(payload, context(smtp=mail_server.smtp()))

    assert mail_server.taken[0].recipients == ["zoe@xn--bcher-kva.example.com"]


async def test_an_international_name_is_sent_where_the_server_can_and_rejected_elsewhere(context):
    payload = WELCOME.model_copy(update={"to": "zoë@example.com"})

    async with MailServer(options={"enable_SMTPUTF8": True}) as able:
        await send_email(payload, context(smtp=able.smtp()))
    async with MailServer() as unable:
        with pytest.raises(RejectTask, match="SMTPUTF8"):
            await send_email(payload, context(smtp=unable.smtp()))

    assert able.taken[0].recipients == ["zoë@example.com"]
    assert unable.taken == []


@pytest.mark.parametrize(
    ("command", "answer", "reason"),
    [
        ("rcpt", "550 5.1.1 no such user", "recipient refused: 550 5.1.1 no such user"),
        ("data", "554 5.7.1 looks like spam", "message refused: 554 5.7.1 looks like spam"),
    ],
)
async def test_a_final_refusal_rejects_the_task(mail_server, context, command, answer, reason):
    setattr(mail_server.says, command, answer)

    with pytest.raises(RejectTask) as reject:
        await send_email(WELCOME, context(smtp=mail_server.smtp()))
    assert str(reject.value) == reason


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("rcpt", "450 4.2.1 mailbox busy"),
        ("data", "452 4.3.1 disk full"),
        ("mail", "451 4.3.0 try later"),
        ("mail", "553 5.7.1 sender not allowed"),  # our settings' fault, not this task's
    ],
)
async def test_what_may_pass_is_a_failure(mail_server, context, command, answer):
    setattr(mail_server.says, command, answer)

    with pytest.raises(NotSent) as failed:
        await send_email(WELCOME, context(smtp=mail_server.smtp()))
    assert str(failed.value) == f"127.0.0.1:{mail_server.port}: {answer}"


async def test_a_server_that_hangs_up_instead_of_a_goodbye_has_taken_the_mail(mail_server, context):
    mail_server.says.quit = ""

    await send_email(WELCOME, context(smtp=mail_server.smtp()))

    assert len(mail_server.taken) == 1


async def test_a_server_that_is_not_there_is_a_failure(context):
    with pytest.raises(NotSent, match="connecting"):
        await send_email(WELCOME, context(smtp=Smtp(port=free_port())))


@pytest.mark.parametrize("greeting", [b"", b"220-a line of a greeting without end\r\n"])
async def test_a_server_that_keeps_us_waiting_is_a_failure_in_time(greeting):
    async with trickling(b"", greeting) as port:
        with pytest.raises(NotSent, match=r"(?i)timed out|no answer within"):
            await deliver(MESSAGE, "test@example.com", Smtp(port=port), patience_seconds=0.2)


async def test_a_server_slow_at_every_step_is_a_failure_in_time(mail_server):
    mail_server.says.after_seconds = 0.2  # three times: each in time, together not

    with pytest.raises(NotSent, match=r"no answer within 0\.4 s"):
        await deliver(MESSAGE, "test@example.com", mail_server.smtp(), patience_seconds=0.4)


async def test_a_login_over_tls(certificates):
    async with MailServer(certificates.server, {"auth_require_tls": False}) as server:
        smtp = server.smtp(host="localhost", tls=True, user="robot", password="right")
        await deliver(MESSAGE, "test@example.com", smtp, tls=certificates.client)

    assert server.logins == [(b"robot", b"right")]
    assert len(server.taken) == 1


async def test_a_password_is_never_sent_in_the_clear(context):
    async with MailServer(options={"auth_require_tls": False}) as server:
        smtp = server.smtp(user="robot", password="right")
        with pytest.raises(NotSent):
            await send_email(WELCOME, context(smtp=smtp))

    assert (server.logins, server.taken) == ([], [])


async def test_a_refused_login_is_a_failure_without_the_password(certificates):
    async with MailServer(certificates.server, {"auth_require_tls": False}) as server:
        smtp = server.smtp(host="localhost", tls=True, user="robot", password="wr0ng-canary")
        with pytest.raises(NotSent, match="535") as failed:
            await deliver(MESSAGE, "test@example.com", smtp, tls=certificates.client)

    assert "wr0ng-canary" not in str(failed.value)
