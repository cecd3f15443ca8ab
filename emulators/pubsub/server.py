"""Puts an emulator together, serves it on its two ports, and takes it apart again."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakSet

import grpc

from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from emulators.pubsub.clock import LoopClock, machine_seconds
from emulators.pubsub.control.api import ControlApi
from emulators.pubsub.control.controls import Controls
from emulators.pubsub.control.faults import DisturbedClient, Faults
from emulators.pubsub.control.resources import Resources
from emulators.pubsub.control.seed_file import read_seed
from emulators.pubsub.data_folder import DataFolder
from emulators.pubsub.documents import Documents
from emulators.pubsub.errors import PortTaken, PubSubError, SeedError, StoreError, Unavailable
from emulators.pubsub.grpc_side import GrpcSide
from emulators.pubsub.http_side import HttpSide
from emulators.pubsub.iam.accounts import AccountPolicies
from emulators.pubsub.iam.service import IamPolicy
from emulators.pubsub.intake import Intake
from emulators.pubsub.limits import DOCUMENTED, LENIENT
from emulators.pubsub.options import Options
from emulators.pubsub.publisher import Publisher
from emulators.pubsub.pulling import Pulling
from emulators.pubsub.push.client import PushClient
from emulators.pubsub.push.pusher import Pusher
from emulators.pubsub.push.window import PushWindow
from emulators.pubsub.rest.listener import HttpListener
from emulators.pubsub.rest.side import RestSide
from emulators.pubsub.rpc import Rpc, Rpcs, Stream
from emulators.pubsub.schemas.definitions import Definitions
from emulators.pubsub.schemas.publishing import SchemaCheck
from emulators.pubsub.schemas.registry import Registry
from emulators.pubsub.schemas.service import SchemaService
from emulators.pubsub.snapshot_service import SnapshotService
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
        self._tokens = TokenIssuer(self._folder.key_file if self._folder else None, machine_seconds)
        self._client = PushClient(self._clock, user_agent=options.push_user_agent)
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
            enforce_iam=options.enforce_iam,
        )
        self._schemas = Registry(
            Documents("schema", self._store, self._broker.journal), self._clock.wall_ns
        )
        self._server = grpc.aio.server(options=GRPC_OPTIONS)
        self._http: HttpListener | None = None
        self.faults = Faults(self._clock.sleep)

    async def start(self) -> tuple[int, int]:
        """Load the state, begin to serve and to push; return the gRPC and the HTTP port.

        Raises: PortTaken.
        """
        unary, streams = self._services()
        self.faults.know(frozenset(unary) | frozenset(streams))
        self.rpcs = Rpcs(unary, streams)
        self.controls = self._make_controls(self.rpcs)
        if self._options.seed:
            await self._seed(self._options.seed)
        rpcs = Rpcs(unary, self.faults.around_streams(streams), around=self.faults.around)
        self._server.add_generic_rpc_handlers((GrpcSide(rpcs),))
        port = self._listen_grpc()
        http_port = await self._listen_http(rpcs, port)
        await self._server.start()
        return port, http_port

    async def stop(self) -> None:
        """Answer those who wait with UNAVAILABLE, write everything, close."""
        for pusher in self._pushers:
            pusher.cancel()
        self._broker.end(Unavailable("the emulator is stopping"))
        await self._server.stop(STOP_GRACE)  # a Publish under way is still committed and answered
        del self._server  # grpc ends its thread with its last server
        await self._broker.journal.close()
        if self._http:
            await self._http.stop()
        self._client.close()
        self._broker.transforms.close()
        self._store.close()
        if self._folder:
            self._folder.close()

    def _services(self) -> tuple[dict[str, Rpc[Any]], dict[str, Stream[Any]]]:
        """Load the state; return the unary and the streaming methods of all services."""
        definitions = Definitions()
        limits = LENIENT if self._options.lenient else DOCUMENTED
        schema_check = SchemaCheck(self._schemas, definitions)
        intake = Intake(schema_check, self._broker.transforms, limits=limits)
        admin = Admin(self._broker, self._store, limits=limits, approval=intake)
        publisher = Publisher(self._broker, admin, intake, limits=limits)
        subscriber = Subscriber(self._broker, admin, limits=limits)
        schemas = SchemaService(
            self._schemas, definitions, self._broker.journal, admin.schema_deleted, limits=limits
        )
        policies = IamPolicy(
            self._broker.policies,
            exists=self._exists,
            commit=self._broker.journal.commit,
            enforced=self._options.enforce_iam,
        )
        pulling = Pulling(self._broker, limits=limits)
        snapshots = SnapshotService(self._broker)
        unary = publisher.methods() | subscriber.methods() | pulling.methods() | policies.methods()
        return unary | snapshots.methods() | schemas.methods(), pulling.streams()

    def _exists(self, name: str) -> bool:
        """Say whether there is a resource of that full name."""
        broker = self._broker
        kinds = (broker.topics, broker.subscriptions, broker.snapshots.names(), self._schemas)
        return any(name in kind for kind in kinds)

    def _make_controls(self, undisturbed: Rpcs) -> Controls:
        return Controls(
            Resources(undisturbed),
            self._broker,
            self._clock,
            self.faults,
            self._projects,
            Documents("clock", self._store, self._broker.journal),
        )

    def _projects(self) -> set[str]:
        """Return the names of all projects that have a resource."""
        broker = self._broker
        names = (*broker.topics, *broker.subscriptions, *broker.snapshots.names(), *self._schemas)
        return {"/".join(name.split("/")[:2]) for name in names}

    async def _seed(self, path: Path) -> None:
        try:
            await self.controls.seed(read_seed(path))
        except PubSubError as error:
            raise SeedError(f"--seed {path}: {error}") from error

    def _make_pusher(self, subscription: Subscription) -> Pusher:
        pusher = Pusher(
            subscription,
            client=DisturbedClient(self._client, self.faults, subscription.resource.name),
            tokens=self._tokens,
            permits=self._broker.permits,
            window=PushWindow(
                backoff=self._options.push_backoff, most=self._options.push_outstanding
            ),
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

    async def _listen_http(self, rpcs: Rpcs, grpc_port: int) -> int:
        accounts = AccountPolicies(self._broker.policies, commit=self._broker.journal.commit)
        side = HttpSide(self._tokens, accounts, ControlApi(self.controls), RestSide(rpcs))
        host, port = self._options.host, self._options.http_port
        self._http = HttpListener(side.app(), host=host, port=port, grpc_port=grpc_port)
        return await self._http.start()
