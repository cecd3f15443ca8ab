"""`python -m grpc_gateway.probe [SERVICE]`: ask this machine's gateway for its health.

For engines whose health checks are commands. Exit code 0: it is SERVING.
"""

import sys
from collections.abc import Sequence
from typing import Final

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from grpc_gateway.health import LIVE
from shared.settings import read_settings

_LIMIT_SECONDS: Final = 3


def is_serving(port: int, service: str) -> bool:
    """Whether the gateway on `port` of this machine says that `service` is SERVING."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        try:
            answer = check(HealthCheckRequest(service=service), timeout=_LIMIT_SECONDS)
        except grpc.RpcError:
            return False
    return bool(answer.status == HealthCheckResponse.SERVING)


def main(arguments: Sequence[str]) -> int:
    """Ask for `liveness`, or for the service that is named; 1 when it is not SERVING."""
    service = arguments[0] if arguments else LIVE
    return 0 if is_serving(read_settings().port, service) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
