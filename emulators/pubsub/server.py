"""Puts an emulator together, serves it on its two ports, and takes it apart again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakSet

import grpc
from aiohttp import web

from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from emulators.pubsub.clock import LoopClock
from emulators.pubsub.data_folder import DataFolder
from emulators.pubsub.errors import PortTaken, StoreError, Unavailable
from emulators.pubsub.grpc_side import GrpcSide
from emulators.pubsub.http_side import HttpSide
from emulators.pubsub.publisher import Publisher
from emulators.pubsub.push import Pusher
from emulators.pubsub.push_client import PushClient
from emulators.pubsub.push_window import PushWindow
from emulators.pubsub.rpc import Rpcs
from emulators.pubsub.store import Store
from emulators.pubsub.subscriber import Subscriber
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.tokens import TokenIssuer

# Above Publish's own limit of 10 MiB, so that a request over it gets a clear answer from us.
GRPC_OPTIONS: Sequence[tuple[str, int]] = (
    ("grpc.max_receive_message_length", 32 * 1024 * 1024),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
)
STOP_GRACE = 0.3


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. Port 0 takes a free one; `durability` is memory, normal or full."""

    host: str
    port: int
    http_port: int
    data_dir: Path
    durability: str
    push_backoff: bool


def in_url(host: str) -> str:
    """Return `host` as it stands before a port: an IPv6 address gets brackets."""
    return f"[{host}]" if ":" in host else host


class Emulator:
    """A running emulator. `failed` is done with an error if the store can no longer be written."""

    def __init__(self, options: Options) -> None:
        loop = asyncio.get_running_loop()
        durable = options.durability != "memory"
        self._options = options
        self._clock = LoopClock(loop)
        self._folder = DataFolder(options.data_dir) if durable else None
        self.failed: asyncio.Future[None] = loop.create_future()
        self._tokens = TokenIssuer(
            self._folder.key_file if self._folder else None, lambda: self._clock.wall_ns() / 1e9
        )
        self._client = PushClient()
        self._pushers: WeakSet[Pusher] = WeakSet()
        self._store = Store(
            str(self._folder.database) if self._folder else ":memory:",
            synchronous=options.durability if durable else "off",
        )
        self._broker = Broker(
            self._store,
            self._clock,
            self._make_pusher,
            threaded=durable,
            failed=self._on_failed_write,
        )
        self._server = grpc.aio.server(options=GRPC_OPTIONS)
        self._http = web.AppRunner(HttpSide(self._tokens, self._broker).app(), access_log=None)

    async def start(self) -> tuple[int, int]:
        """Load the state, begin to serve and to push; return the gRPC and the HTTP port.

        Raises: PortTaken.
        """
        admin = Admin(self._broker, self._store)
        publisher, subscriber = Publisher(self._broker, admin), Subscriber(self._broker, admin)
        rpcs = Rpcs(publisher.methods() | subscriber.methods(), streams={})
        self._server.add_generic_rpc_handlers((GrpcSide(rpcs),))
        port = self._listen_grpc()
        http_port = await self._listen_http()
        await self._server.start()
        return port, http_port

    async def stop(self) -> None:
        """Answer those who wait with UNAVAILABLE, write everything, close."""
        for pusher in self._pushers:
            pusher.cancel()
        self._broker.end(Unavailable("the emulator is stopping"))
        await self._server.stop(STOP_GRACE)  # a Publish under way is still committed and answered
        await self._broker.journal.close()
        await self._http.cleanup()
        self._client.close()
        self._store.close()
        if self._folder:
            self._folder.close()

    def _make_pusher(self, subscription: Subscription) -> Pusher:
        pusher = Pusher(
            subscription,
            client=self._client,
            tokens=self._tokens,
            window=PushWindow(backoff=self._options.push_backoff),
            clock=self._clock,
        )
        self._pushers.add(pusher)
        return pusher

    def _on_failed_write(self, error: Exception) -> None:
        where = self._options.data_dir
        self.failed.set_exception(
            StoreError(f"cannot write to {where}, so nothing goes on: {error}")
        )

    def _listen_grpc(self) -> int:
        address = f"{in_url(self._options.host)}:{self._options.port}"
        try:
            return self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise PortTaken(f"cannot listen on {address}: choose another --port") from error

    async def _listen_http(self) -> int:
        host, port = self._options.host, self._options.http_port
        await self._http.setup()
        try:
            await web.TCPSite(self._http, host, port).start()
        except OSError as error:
            raise PortTaken(
                f"cannot listen on {host}:{port}: choose another --http-port"
            ) from error
        return int(self._http.addresses[0][1])
