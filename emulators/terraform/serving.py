"""Serves providers to Terraform on sockets of their own; Terraform is told where by an environment
variable, so it neither looks for a provider nor starts one."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from emulators.terraform.provider import StandIn

PREFIX = "/tfplugin5.Provider/"
UNLIMITED = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))


class Methods(grpc.GenericRpcHandler):
    """One provider's RPCs; any other that Terraform tries is unimplemented."""

    def __init__(self, provider: StandIn) -> None:
        self._methods = provider.methods()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        found = self._methods.get(handler_call_details.method.removeprefix(PREFIX))
        if found is None:
            return None
        request, answer = found
        return grpc.unary_unary_rpc_method_handler(
            partial(_answer, answer),
            request.FromString,
            lambda message: message.SerializeToString(),
        )


def _answer(answer: Any, request: Any, _context: grpc.ServicerContext) -> Any:
    return answer(request)


@contextmanager
def attached(providers: Mapping[str, StandIn]) -> Iterator[dict[str, str]]:
    """Serve providers by their addresses ("hashicorp/google"); yield Terraform's environment."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tf-"))
        found = {}
        for number, (address, provider) in enumerate(providers.items()):
            socket = Path(folder, f"{number}.sock")
            server = grpc.server(futures.ThreadPoolExecutor(max_workers=10), options=UNLIMITED)
            server.add_generic_rpc_handlers((Methods(provider),))
            server.add_insecure_port(f"unix:{socket}")
            server.start()
            stack.callback(_stop, server)
            found[address] = _reattach(socket)
        yield {"TF_REATTACH_PROVIDERS": json.dumps(found)}


def _stop(server: grpc.Server) -> None:
    server.stop(0.2).wait()


def _reattach(socket: Path) -> dict[str, Any]:
    return {
        "Protocol": "grpc",
        "ProtocolVersion": 5,
        "Pid": os.getpid(),
        "Test": True,
        "Addr": {"Network": "unix", "String": str(socket)},
    }
