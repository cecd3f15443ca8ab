"""One conversation with an SMTP server, and what its answers mean. Composes nothing."""

import asyncio
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import parseaddr
from typing import TYPE_CHECKING, Final

from shared.domain.outcome import MayPass, RejectTask
from shared.settings import Smtp

if TYPE_CHECKING:
    from aiosmtplib import SMTP, SMTPResponseException

PATIENCE_SECONDS: Final = 45.0
"""For the whole conversation; under the task type's time limit, so that the error says why."""
GOODBYE_SECONDS: Final = 2.0


class NotSent(MayPass):
    """The server could not be reached, or refused for now: worth another attempt."""


async def deliver(
    message: EmailMessage,
    recipient: str,
    smtp: Smtp,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Return once the server has taken responsibility for `message`.

    Raises: RejectTask on a 5xx for the recipient or the message; NotSent on a 4xx, on a refusal
    of our login or sender (a matter of settings, not of this task), on any failed connection.
    """
    from aiosmtplib import SMTPException

    client = _client(smtp, patience_seconds, tls)
    try:
        async with asyncio.timeout(patience_seconds):
            await client.connect()
            await _hand_over(client, message, recipient)
        await _say_goodbye(client)
    except (SMTPException, OSError) as error:
        reason = _said(error) or f"no answer within {patience_seconds:g} s"
        raise NotSent(f"{smtp.host}:{smtp.port}: {reason}") from error
    finally:
        client.close()


def _client(smtp: Smtp, patience_seconds: float, tls: ssl.SSLContext | None) -> "SMTP":
    """A password never travels in the clear: with a login, STARTTLS is not optional."""
    from aiosmtplib import SMTP

    return SMTP(
        hostname=smtp.host,
        port=smtp.port,
        use_tls=smtp.tls,
        tls_context=tls,
        start_tls=True if smtp.user and not smtp.tls else None,
        username=smtp.user or None,
        password=smtp.password or None,
        # By itself the client would look its own name up in the DNS.
        local_hostname=parseaddr(smtp.sender)[1].rpartition("@")[2] or "localhost",
        timeout=patience_seconds,
    )


async def _hand_over(client: "SMTP", message: EmailMessage, recipient: str) -> None:
    from aiosmtplib import SMTPDataError, SMTPNotSupported, SMTPRecipientsRefused

    try:
        await client.send_message(message, recipients=[recipient])
    except SMTPRecipientsRefused as refused:
        raise _verdict(refused.recipients[0], "recipient refused") from None
    except SMTPDataError as refused:
        raise _verdict(refused, "message refused") from None
    except SMTPNotSupported as refused:
        raise RejectTask(f"address not supported: {_said(refused)}") from None


def _verdict(answer: "SMTPResponseException", what: str) -> Exception:
    """A 5xx is final; a 4xx stays what it is."""
    return RejectTask(f"{what}: {_said(answer)}") if answer.code >= 500 else answer


async def _say_goodbye(client: "SMTP") -> None:
    """The message is taken, whatever becomes of the goodbye."""
    from aiosmtplib import SMTPException

    with suppress(SMTPException, OSError):
        await client.quit(timeout=GOODBYE_SECONDS)


def _said(error: Exception) -> str:
    """What the server or the network said, on one line."""
    from aiosmtplib import SMTPResponseException

    if isinstance(error, SMTPResponseException):
        return " ".join(f"{error.code} {error.message}".split())
    return " ".join(str(error).split())
