"""`python -m emulators.smtp`: SMTP in, HTTP out, on 127.0.0.1 unless told otherwise."""

import argparse
import asyncio
from datetime import UTC, datetime

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette

from emulators.smtp.http import app_for
from emulators.smtp.inbox import Inbox
from emulators.stack.quiet_server import QuietServer

_HOST = "127.0.0.1"
_MAX_MESSAGE_BYTES = 10 * 1024 * 1024


class Receiver:
    """aiosmtpd's handler: every message goes into the inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message and accept it."""
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        sender = envelope.mail_from or ""
        mail = self._inbox.add(sender, envelope.rcpt_tos, raw, datetime.now(UTC))
        return f"250 OK kept as {mail.id}"


async def serve(host: str, smtp_port: int, http_port: int) -> None:
    """Serve both ports of `host` until SIGTERM or Ctrl-C."""
    inbox = Inbox()
    receiver = Receiver(inbox)

    def session() -> SMTP:
        return SMTP(receiver, hostname="localhost", data_size_limit=_MAX_MESSAGE_BYTES)

    server = await asyncio.get_running_loop().create_server(session, host, smtp_port)
    try:
        await _http(app_for(inbox), host, http_port)
    finally:
        server.close()


async def _http(app: Starlette, host: str, port: int) -> None:
    config = uvicorn.Config(
        app, host=host, port=port, lifespan="off", access_log=False, log_level="warning"
    )
    await QuietServer(config).serve()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m emulators.smtp", description=__doc__)
    parser.add_argument("--host", default=_HOST, help="%(default)s; others may read the inbox")
    parser.add_argument("--smtp-port", type=int, default=1025)
    parser.add_argument("--http-port", type=int, default=8025)
    asked = parser.parse_args()
    asyncio.run(serve(asked.host, asked.smtp_port, asked.http_port))


if __name__ == "__main__":
    main()
