"""The inbox: the last e-mails in memory. Knows MIME; knows nothing of SMTP or HTTP."""

import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

MAX_MESSAGES = 1000
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Mail:
    """One e-mail as it arrived; sender and recipients are those of the SMTP envelope."""

    id: str
    sender: str
    recipients: Sequence[str]
    received_at: datetime
    raw: bytes

    def _parsed(self) -> EmailMessage:
        parser = BytesParser(policy=policy.default)
        return parser.parsebytes(self.raw)

    def summary(self) -> dict[str, object]:
        """The line of a list."""
        return {
            "id": self.id,
            "from": self.sender,
            "to": list(self.recipients),
            "subject": str(self._parsed().get("Subject", "")),
            "received_at": self.received_at.isoformat(),
            "size_bytes": len(self.raw),
        }

    def whole(self) -> dict[str, object]:
        """Everything: headers in order, the text and HTML bodies (null if absent), the source."""
        parsed = self._parsed()
        return self.summary() | {
            "headers": [[name, str(value)] for name, value in parsed.items()],
            "text": _body(parsed, "plain"),
            "html": _body(parsed, "html"),
            "raw": self.raw.decode(errors="replace"),
        }


def _body(parsed: EmailMessage, kind: str) -> str | None:
    part = parsed.get_body(preferencelist=(kind,))
    if part is None:
        return None
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return None
    try:
        return payload.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:  # a charset that nobody knows
        return payload.decode(errors="replace")


class Inbox:
    """Keeps the newest e-mails; the oldest make room by number and by size."""

    def __init__(self, *, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._mails: OrderedDict[str, Mail] = OrderedDict()
        self._bytes = 0
        self._max_messages = max_messages
        self._max_bytes = max_bytes

    def add(self, sender: str, recipients: Sequence[str], raw: bytes, now: datetime) -> Mail:
        """Keep an e-mail that has just arrived."""
        mail = Mail(uuid.uuid4().hex, sender, tuple(recipients), now, raw)
        self._mails[mail.id] = mail
        self._bytes += len(raw)
        while len(self._mails) > self._max_messages or self._bytes > self._max_bytes:
            _, oldest = self._mails.popitem(last=False)
            self._bytes -= len(oldest.raw)
        return mail

    def newest_first(self) -> list[Mail]:
        """All that is kept."""
        return list(reversed(self._mails.values()))

    def get(self, mail_id: str) -> Mail | None:
        """One e-mail, or None if there is none of that id (any more)."""
        return self._mails.get(mail_id)

    def clear(self) -> None:
        """Forget everything."""
        self._mails.clear()
        self._bytes = 0
