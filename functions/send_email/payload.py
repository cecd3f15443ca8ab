"""What a `send_email` task is told. No look-up of any name: this runs when a task is enqueued."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, EmailStr, Field

from shared.domain.payload import Payload


def _one_line(text: str) -> str:
    """Refuse what could end a header and begin another: line breaks and control characters."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
            raise ValueError(
                f"must be one line without control characters, not {character!r}: it is a header"
            )
    return text


class SendEmail(Payload):
    """One e-mail to one person. Who it comes from is the settings' choice, never the caller's."""

    to: Annotated[EmailStr, Field(description="The recipient's address.")]
    subject: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
    body: Annotated[str, Field(max_length=100_000, description="The text.")]
    html: Annotated[
        str | None, Field(max_length=200_000, description="The same as HTML, for clients that can.")
    ] = None
    reply_to: Annotated[
        EmailStr | None, Field(description="Where answers go; the sender, when absent.")
    ] = None
