"""Do the stack's gRPC in a process of its own, one JSON line a request, until its input ends.

grpc costs 30 MB and threads; here both go away once the stack is ready.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from emulators.stack.provision import provision
from emulators.stack.topology import Subscription, Topic, Topology

_CONNECT_SECONDS = 30
_PAUSE_SECONDS = 0.05
_ANSWER_SECONDS = 5


def _provision(address: str, arguments: Mapping[str, Any]) -> dict[str, int]:
    topology = Topology(
        arguments["project"],
        [Topic(**topic) for topic in arguments["topics"]],
        [Subscription(**subscription) for subscription in arguments["subscriptions"]],
    )
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(_CONNECT_SECONDS)
        return provision(channel, topology)


def _serving(address: str, arguments: Mapping[str, Any]) -> dict[str, int]:
    """Return once the standard health service says SERVING; `limit_seconds` bounds the wait."""
    end = time.monotonic() + arguments["limit_seconds"]
    with grpc.insecure_channel(
        address, options=[("grpc.max_reconnect_backoff_ms", 100)]
    ) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        while not _serves(check):
            if time.monotonic() > end:
                raise TimeoutError(f"{address} does not say SERVING")
            time.sleep(_PAUSE_SECONDS)
    return {}


def _serves(check: Callable[..., Any]) -> bool:
    try:
        answer = check(
            health_pb2.HealthCheckRequest(), timeout=_ANSWER_SECONDS, wait_for_ready=True
        )
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


_ACTIONS: dict[str, Callable[[str, Mapping[str, Any]], dict[str, int]]] = {
    "provision": _provision,
    "serving": _serving,
}


def main() -> None:
    """Answer each request with its result or `{"error": text}`."""
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer: dict[str, Any] = _ACTIONS[request["action"]](request["address"], request)
        except grpc.FutureTimeoutError:
            answer = {"error": "it does not answer"}
        except grpc.RpcError as error:
            answer = {"error": error.details() if isinstance(error, grpc.Call) else str(error)}
        except TimeoutError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
