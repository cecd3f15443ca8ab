"""From a payload to a MIME message. Pure: the time and the sender come in as values."""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from uuid import UUID

from functions.send_email.payload import SendEmail


def compose(
    payload: SendEmail, *, sender: str, message_id: str, written_at: datetime
) -> EmailMessage:
    """The e-mail, as text, or as text and HTML when the payload has both."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = deliverable(payload.to)
    message["Subject"] = payload.subject
    message["Date"] = format_datetime(written_at)
    message["Message-ID"] = message_id
    if payload.reply_to:
        message["Reply-To"] = deliverable(payload.reply_to)
    message.set_content(payload.body)
    if payload.html is not None:
        message.add_alternative(payload.html, subtype="html")
    return message


def message_id_of(task_id: UUID, generation: int, sender: str) -> str:
    """The Message-ID of a task: the same on each attempt, another after a redrive."""
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return f"<{task_id}.{generation}@{domain or 'localhost'}>"


def deliverable(address: str) -> str:
    """`address` with its domain in ASCII, which every server takes, when its name allows that."""
    if address.isascii():
        return address
    from email_validator import validate_email

    parts = validate_email(address, check_deliverability=False)
    return parts.ascii_email or parts.normalized
