"""Send one e-mail. Knows the message and the outcome; SMTP itself is in `smtp.py`."""

from datetime import UTC, datetime

from functions.send_email.message import compose, deliverable, message_id_of
from functions.send_email.payload import SendEmail
from functions.send_email.smtp import deliver
from shared.edges.task_context import TaskContext


async def send_email(payload: SendEmail, context: TaskContext) -> dict[str, str]:
    """Hand the e-mail to the SMTP server of the settings; return `{"message_id", "accepted_by"}`.

    Not safe to repeat by itself, so it goes through `context.once`: a second attempt finds what
    the first has recorded and sends nothing. Only an attempt that is lost between the server's
    answer and the record is sent again, under the same Message-ID, by which mailboxes can drop it.
    Raises: RejectTask when the server refuses this recipient or this message for good; NotSent
    for anything that may pass.
    """
    smtp = context.settings.smtp
    message_id = message_id_of(context.task_id, context.generation, smtp.sender)
    message = compose(
        payload, sender=smtp.sender, message_id=message_id, written_at=datetime.now(UTC)
    )

    async def send() -> dict[str, str]:
        await deliver(message, deliverable(payload.to), smtp)
        return {"message_id": message_id, "accepted_by": f"{smtp.host}:{smtp.port}"}

    return await context.once("smtp", send)
