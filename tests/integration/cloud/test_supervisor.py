"""The process that keeps a deployment's parts: who may tell it what, and what hinders its start."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from emulators.cloud.client import running, started, stopped
from emulators.cloud.errors import DeployError
from emulators.cloud.folder import Folder
from emulators.cloud.specs import Spec
from emulators.terraform.provider import CloudError
from tests.support.ports import free_port


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    made = Folder(tmp_path / "dev")
    made.make()
    yield made
    stopped(made)


def test_a_port_that_is_taken_is_named_with_its_holder_and_never_moves(folder):
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        ports = {"pubsub": port, "pubsub_http": 18186, "smtp": 11125, "mail": 18125}
        folder.write(folder.path / "base.json", json.dumps(ports))

        with pytest.raises(DeployError, match=rf"Port {port} is in use by .*pid.*\n(.*\n)*Fix: "):
            started(folder)

    assert running(folder) is None


def test_a_part_is_kept_changed_refused_and_taken_away(folder):
    client = started(folder)
    control = json.loads((folder.path / "control.json").read_bytes())
    address = f"http://127.0.0.1:{control['port']}"

    # Who cannot read the folder cannot tell it anything.
    assert httpx.post(f"{address}/stop").status_code == 401

    # A workload whose secret it may not read does not start, and is not there after.
    with pytest.raises(CloudError, match=r"has not roles/secretmanager\.secretAccessor"):
        client.put("noop", Spec("workload", account="a@b", secrets={"X": "smtp-url"}))
    assert "noop" not in client.describe()["parts"]

    folder.write(folder.password("redis"), "s3cret")
    spec = Spec("redis", settings={"of": "cache"})
    port = client.put("redis", spec)
    with socket.create_connection(("127.0.0.1", port)) as cache:
        cache.sendall(b"PING\r\n")
        assert b"NOAUTH" in cache.recv(100)
        cache.sendall(b"AUTH s3cret\r\nPING\r\n")
        assert b"PONG" in cache.recv(100)

    # The same again changes nothing; stopped and started, it is where it was.
    before = client.describe()["parts"]["redis"]["pid"]
    assert client.put("redis", spec) == port
    assert client.describe()["parts"]["redis"]["pid"] == before
    stopped(folder)
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(DeployError, match=f"Port {port} is in use"),
    ):
        started(folder)
    again = started(folder)
    assert again.describe()["parts"]["redis"] | {"pid": 0} == {
        "kind": "redis", "port": port, "pid": 0, "works": True, "is_function": False,
        "secrets": [], "workspace": "",
    }  # fmt: skip

    # What another resource of its name has taken over is not ended with the first.
    again.remove("redis", of="another")
    assert "redis" in again.describe()["parts"]
    again.remove("redis", of="cache")
    assert "redis" not in again.describe()["parts"]
