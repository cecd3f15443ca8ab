"""`make up` in a real container engine: built, started, used, hurt, taken down.

It takes minutes, so `make test-containers` alone runs it, which CI does last.
"""

import json
import os
import signal

import pytest

from tests.e2e.local_stack import eventually
from tests.support.composed_system import ComposedSystem
from tests.support.container_engine import NoEngine, container_engine

OURS = ("functions", "grpc-gateway", "pubsub-emulator", "stand-ins")
MAIL = {"to": "test@example.com", "subject": "Welcome!", "body": "Hello from a container"}
# What may do more than run: Postgres' image gives its volume to its own account.
CAPABLE = {"postgres"}
OVER_GRPC = """
import sys, grpc
from protos.cloudtasker.v1 import task_service_pb2 as pb
from protos.cloudtasker.v1 import task_service_pb2_grpc as rpc
stub = rpc.TaskServiceStub(grpc.insecure_channel("127.0.0.1:50051"))
request = pb.EnqueueTaskRequest(task_type="noop", payload_json='{"result": "over gRPC"}')
key = [("authorization", "Bearer " + sys.argv[1])]
answer = stub.EnqueueTask(request, metadata=key, timeout=20)
print(answer.task_id)
"""

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not os.environ.get("CLOUDTASKER_TEST_CONTAINERS"),
        reason="it takes minutes: `make test-containers` runs it",
    ),
]


@pytest.fixture(scope="module")
def engine():
    try:
        with container_engine() as running:
            yield running
    except NoEngine as why:
        pytest.skip(f"NOT TESTED, containers: {why}")


@pytest.fixture(scope="module")
def system(engine, tmp_path_factory):
    composed = ComposedSystem(engine, tmp_path_factory.mktemp("compose"))
    try:
        print(f"up within {composed.up():.0f} s, images built")
        print(engine.docker("images", "--format", "{{.Repository}} {{.Size}}", "cloudtasker/*"))
        yield composed
    finally:
        composed.down()


def until(system, task_id, state, limit=30):
    """The task once it is in `state`."""
    seen = {}

    def there():
        seen.update(system.curl(f"/tasks/{task_id}")[1])
        return seen["state"] == state

    eventually(there, limit, f"task {task_id} is {state}")
    return seen


def enqueued(system, task_type, payload):
    status, answer = system.curl("/enqueue-task", {"task_type": task_type, "payload": payload})
    assert status == 202, answer
    return answer["task_id"]


def test_a_task_enqueued_by_curl_succeeds_and_its_mail_arrives(system):
    task_id = enqueued(system, "send_email", MAIL)

    assert until(system, task_id, "succeeded")["attempt"] == 1
    assert [mail["subject"] for mail in system.inbox()] == ["Welcome!"]


def test_a_task_enqueued_over_grpc_succeeds(system):
    task_id = system.python(OVER_GRPC, system.key).strip()

    assert until(system, task_id, "succeeded")["result"]["result"] == "over gRPC"


def test_nobody_is_served_without_a_key(system):
    status, _ = system.curl("/enqueue-task", {"task_type": "noop", "payload": {}}, key=False)

    assert status == 401


def test_a_function_killed_in_the_middle_of_a_task_does_it_after_all(system):
    task_id = enqueued(system, "noop", {"sleep_seconds": 4})
    until(system, task_id, "running")

    os.kill(system.inspect("noop")["State"]["Pid"], signal.SIGKILL)

    assert until(system, task_id, "succeeded", limit=150)["attempt"] == 2
    assert system.inspect("noop")["RestartCount"] == 1


def test_every_container_has_a_read_only_root_and_no_more_rights_than_it_needs(system):
    for service in system.services():
        found = system.inspect(service)
        limits = found["HostConfig"]
        assert limits["ReadonlyRootfs"], service
        assert limits["CapDrop"] == ["ALL"], service
        assert bool(limits["CapAdd"]) == (service in CAPABLE), service
        assert "no-new-privileges:true" in limits["SecurityOpt"], service
        assert service in CAPABLE or found["Config"]["User"].startswith("10001"), service


@pytest.mark.parametrize("name", OURS)
def test_no_image_has_pip_or_a_compiler_or_a_cache(system, name):
    look = (
        "for tool in gcc cc make pip pip3; do command -v $tool; done;"
        "python -c 'import pip' 2>&1; ls -A /root"
    )
    run = ("run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "sh")

    printed = system.engine.docker(*run, f"cloudtasker/{name}", "-c", look, check=False)

    assert "No module named 'pip'" in printed
    assert "/bin/" not in printed
    assert ".cache" not in printed


def test_a_function_that_is_not_named_says_what_is_missing(system):
    done = system.engine.run(
        *("docker", "run", "--rm", "--network", "none", "cloudtasker/functions"), check=False
    )

    assert done.returncode == 2
    assert "FUNCTION: must name a folder of functions/" in done.stderr


def test_the_labels_say_what_and_which_revision_it_is(system):
    labels = json.loads(
        system.engine.docker("inspect", "-f", "{{json .Config.Labels}}", "cloudtasker/functions")
    )

    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert len(labels["org.opencontainers.image.revision"]) == 40


def test_going_down_leaves_no_container_volume_or_network(system):
    assert system.left_over()["containers"]

    system.down()

    assert system.left_over() == {"containers": "", "volumes": "", "networks": ""}
