"""The health check of the gateway's image."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1.health import HealthServicer
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

from grpc_gateway.health import LIVE, TASK_SERVICE
from grpc_gateway.probe import is_serving, main
from tests.support.ports import free_port


@pytest.fixture
def port():
    """Of a gateway that lives and cannot reach Postgres."""
    server, health = grpc.server(ThreadPoolExecutor(1)), HealthServicer()
    health.set(LIVE, HealthCheckResponse.SERVING)
    health.set(TASK_SERVICE, HealthCheckResponse.NOT_SERVING)
    add_HealthServicer_to_server(health, server)
    chosen = server.add_insecure_port(f"127.0.0.1:{free_port()}")
    server.start()
    yield chosen
    server.stop(0)


def test_the_probe_passes_while_the_gateway_answers(port, monkeypatch):
    monkeypatch.setenv("PORT", str(port))

    assert main([]) == 0


def test_asked_for_the_service_it_fails_while_that_cannot_work(port, monkeypatch):
    monkeypatch.setenv("PORT", str(port))

    assert main([TASK_SERVICE]) == 1


def test_it_fails_where_nobody_listens():
    assert not is_serving(free_port(), LIVE)
