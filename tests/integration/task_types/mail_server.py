"""An SMTP server on this machine: keeps what comes in, says what a test tells it to say."""

import asyncio
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from shared.settings import Smtp
from tests.support.ports import free_port


@dataclass
class Taken:
    """One message that the server took; `client` is who the sender's machine said it is."""

    client: str
    sender: str
    recipients: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """As a mail program reads it."""
        return message_from_bytes(self.content, policy=default)


@dataclass
class Says:
    """The server's answers, and how long it thinks before each; a test changes them."""

    mail: str = "250 OK"
    rcpt: str = "250 OK"
    data: str = "250 queued"
    quit: str = "221 Bye"
    after_seconds: float = 0


@dataclass
class MailServer:
    """Listens on 127.0.0.1. `taken` are its messages, `logins` the user names and passwords."""

    tls: ssl.SSLContext | None = None
    options: dict[str, Any] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    says: Says = field(default_factory=Says)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self.port = free_port()
        self._server = await loop.create_server(self._session, "127.0.0.1", self.port, ssl=self.tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def smtp(self, **changes) -> Smtp:
        """The settings that lead here."""
        return Smtp(**{"host": "127.0.0.1", "port": self.port, **changes})

    def _session(self) -> SMTP:
        return SMTP(
            self, hostname="mail.example.com", authenticator=self._authenticate, **self.options
        )

    def _authenticate(self, server, session, envelope, mechanism, data):
        if isinstance(data, LoginPassword):
            self.logins.append((data.login, data.password))
        return AuthResult(success=self.logins[-1:] == [(b"robot", b"right")], handled=False)

    async def handle_MAIL(self, server, session, envelope, address, options):
        await asyncio.sleep(self.says.after_seconds)
        envelope.mail_from = address
        return self.says.mail

    async def handle_RCPT(self, server, session, envelope, address, options):
        await asyncio.sleep(self.says.after_seconds)
        if self.says.rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.says.rcpt

    async def handle_DATA(self, server, session, envelope):
        await asyncio.sleep(self.says.after_seconds)
        if self.says.data.startswith("2"):
            self.taken.append(
                Taken(session.host_name, envelope.mail_from, envelope.rcpt_tos, envelope.content)
            )
        return self.says.data

    async def handle_QUIT(self, server, session, envelope):
        if not self.says.quit:
            server.transport.abort()
        return self.says.quit
