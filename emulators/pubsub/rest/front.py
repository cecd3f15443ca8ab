"""The HTTP port's listener: it tells HTTP/1 from HTTP/2 by the first bytes of a connection.

HTTP/1 is handed to aiohttp, HTTP/2 relayed to the gRPC port. It reads nothing of what passes.
"""

import asyncio
from collections.abc import Callable
from typing import cast

PREFACE = b"PRI * HTTP/2.0\r\n"  # RFC 9113, 3.4


class Front(asyncio.Protocol):
    """One connection, until it is known what it speaks."""

    def __init__(
        self,
        http: Callable[[], asyncio.Protocol],
        grpc: tuple[str, int],
        undecided: set[asyncio.Transport],
    ) -> None:
        self._http = http
        self._grpc = grpc
        self._undecided = undecided
        self._seen = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first bytes."""
        self._transport = cast(asyncio.Transport, transport)
        self._undecided.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self._transport:
            self._undecided.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Hand the connection on as soon as its first bytes decide."""
        self._seen += data
        if self._transport is None or (
            len(self._seen) < len(PREFACE) and PREFACE.startswith(self._seen)
        ):
            return
        self._undecided.discard(self._transport)
        is_grpc = self._seen.startswith(PREFACE)
        protocol = Relay(self._grpc) if is_grpc else self._http()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(self._seen)


class End(asyncio.Protocol):
    """One end of a relay: what it receives, `other` sends; it reads no faster than that."""

    def __init__(self) -> None:
        self.other: End | None = None
        self.transport: asyncio.Transport | None = None
        self._early: list[bytes] = []  # received before there was an other end

    def join(self, other: "End") -> None:
        """Pass on what has come, and all that comes."""
        self.other = other
        for data in self._early:
            self.data_received(data)
        self._early.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self.other is None or self.other.transport is None:
            self._early.append(data)
        else:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        """Let the other end stop reading."""
        if self.other and self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Let the other end read on."""
        if self.other and self.other.transport:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the other end, once it has sent what it has."""
        if self.other and self.other.transport:
            self.other.transport.close()
        self.transport = None


class Relay(End):
    """The caller's end; it connects to the gRPC port by itself."""

    def __init__(self, grpc: tuple[str, int]) -> None:
        super().__init__()
        self._grpc = grpc
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect to the gRPC port; nothing is read before that."""
        super().connection_made(transport)
        cast(asyncio.Transport, transport).pause_reading()
        self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, inner = await loop.create_connection(End, *self._grpc)
        except OSError:  # the emulator is stopping
            if self.transport:
                self.transport.close()
            return
        if self.transport is None:  # the caller has gone meanwhile
            cast(asyncio.Transport, inner.transport).close()
            return
        inner.join(self)
        self.join(inner)
        self.transport.resume_reading()
