"""One grpc.aio server over an Api: TaskService, health, and reflection where it is wanted."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from grpc_gateway.admission import Admission
from grpc_gateway.health import TASK_SERVICE, Health
from grpc_gateway.interceptor import Interceptor
from grpc_gateway.servicer import TaskService
from protos.cloudtasker.v1 import task_service_pb2_grpc
from shared.bootstrap import Api
from shared.domain.errors import Misconfigured
from shared.edges.access import access_policy

GRACE_SECONDS: Final = 5.0
SETTLE_SECONDS: Final = 3.0
"""With the grace less than the 10 s that Cloud Run leaves between SIGTERM and SIGKILL."""
MAX_RPCS: Final = 1000
"""Calls at once; more are refused with RESOURCE_EXHAUSTED instead of piling up."""

_HEALTH: Final = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
_OPTIONS: Final = (
    # Else two servers could share a port, and each would get a part of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_concurrent_streams", MAX_RPCS),
)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A server that accepts calls on `address`."""

    address: str
    _server: grpc.aio.Server
    _health: Health
    _api: Api

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Say NOT_SERVING, let running calls end, then wait for what runs behind their answers."""
        self._health.stop()
        await self._api.watch.stop()
        await self._server.stop(grace_seconds)
        with suppress(TimeoutError):  # what is left unconfirmed, the relay publishes
            async with asyncio.timeout(SETTLE_SECONDS):
                await self._api.enqueue.settle()


async def start(api: Api) -> Gateway:
    """Serve `api` where its settings say; port 0 takes a free one.

    Raises: Misconfigured when the address is taken, or may not be served without credentials.
    """
    settings = api.settings
    policy = access_policy(settings, api.keys)
    policy.check_bind(settings.host)
    health = Health(api.readiness)
    server = grpc.aio.server(
        interceptors=[Interceptor(Admission(policy, settings.host))],
        options=_OPTIONS,
        maximum_concurrent_rpcs=MAX_RPCS,
    )
    methods: Any = _GenericOnly(server)
    task_service_pb2_grpc.add_TaskServiceServicer_to_server(TaskService(api), methods)
    health_pb2_grpc.add_HealthServicer_to_server(health, methods)
    if settings.reflection:
        _reflect(server)
    address = _bind(server, settings.host, settings.port)
    await server.start()
    return Gateway(address, server, health, api)


class _GenericOnly:
    """What generated code adds handlers to. It adds them twice; only the generic ones are taken.

    For registered methods the asynchronous server keeps a task each, and at every call waits anew
    for all of them: with thirty methods that costs 50 us more a call.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Take none."""


def _reflect(server: grpc.aio.Server) -> None:
    """Let clients list the services; imported only here, as most processes do not want it."""
    from grpc_reflection.v1alpha import reflection

    names = (TASK_SERVICE, _HEALTH, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)


def _bind(server: grpc.aio.Server, host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    try:
        bound = server.add_insecure_port(f"{shown}:{port}")
    except RuntimeError:
        raise Misconfigured(
            f"cannot listen on {shown}:{port}: something else does, or the address is not of this "
            "machine; set PORT or HOST"
        ) from None
    return f"{shown}:{bound}"
