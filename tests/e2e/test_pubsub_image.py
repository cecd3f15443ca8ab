"""The emulator's image, built and run where a container engine runs, without any network inside."""

import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from tests.e2e.local_stack import eventually

ROOT = Path(__file__).parents[2]
BASE = os.environ.get("PUBSUB_IMAGE_BASE", "python:3.12-slim")
HOST = "127.0.0.1:8085"
IMAGE = "cloudtasker-test/pubsub-emulator"
# Inside the container, with the official client that the image has anyway.
PUBLISH = """
from google.cloud import pubsub_v1
pubsub_v1.PublisherClient().create_topic(name="projects/p/topics/letters")
pubsub_v1.SubscriberClient().create_subscription(
    name="projects/p/subscriptions/readers", topic="projects/p/topics/letters")
pubsub_v1.PublisherClient().publish("projects/p/topics/letters", b"kept").result(20)
"""
PULL = """
from google.cloud import pubsub_v1
print(pubsub_v1.SubscriberClient().pull(
    subscription="projects/p/subscriptions/readers", max_messages=10))
"""
# What needs packages of its own and scratch files: Protocol Buffers, Avro and JavaScript.
SCHEMAS = """
from google.cloud import pubsub_v1
from google.pubsub_v1.types import JavaScriptUDF, MessageTransform, Schema
client, publisher = pubsub_v1.SchemaServiceClient(), pubsub_v1.PublisherClient()
letter = "syntax = 'proto3'; message Letter { string text = 1; }"
record = '{"type": "record", "name": "Letter", "fields": [{"name": "text", "type": "string"}]}'
for kind, text in ((Schema.Type.PROTOCOL_BUFFER, letter), (Schema.Type.AVRO, record)):
    name = f"letter-{kind.name.lower()}"
    schema = Schema(type_=kind, definition=text)
    client.create_schema(parent="projects/p", schema=schema, schema_id=name)
code = "function f(message) { return message; }"
transform = MessageTransform(javascript_udf=JavaScriptUDF(function_name="f", code=code))
topic = {"name": "projects/p/topics/transformed", "message_transforms": [transform]}
publisher.create_topic(request=topic)
print(publisher.publish(topic["name"], b"x").result(20))
"""

pytestmark = pytest.mark.timeout(600)


def docker(*arguments, check=True):
    """Run the docker command line; return what it prints."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, cwd=ROOT)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def is_missing():
    """Return why the image cannot be built here, None if it can."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    if subprocess.run(["docker", "info"], capture_output=True).returncode:
        return "no container engine runs"
    for get in (("image", "inspect"), ("pull",)):
        if subprocess.run(["docker", *get, BASE], capture_output=True).returncode == 0:
            return None
    return f"the base image {BASE} is not there and cannot be pulled"


@pytest.fixture(scope="module")
def image():
    """The image, built; it stays in the engine's cache."""
    if reason := is_missing():
        pytest.skip(f"the emulator's image: {reason}")
    arguments = ("--network", "host", "--build-arg", f"BASE={BASE}")
    docker("build", *arguments, "-f", "emulators/pubsub/Dockerfile", "-t", IMAGE, ".")
    return IMAGE


@pytest.fixture
def container(image):
    """The name of a running container with a read-only root and a volume for its data."""
    name = f"pubsub-emulator-{uuid.uuid4().hex[:8]}"
    limits = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    docker("run", "-d", "--name", name, "--network", "none", *limits, "-v", f"{name}:/data", image)
    try:
        until_healthy(name)
        yield name
    finally:
        docker("rm", "-f", "-v", name, check=False)
        docker("volume", "rm", "-f", name, check=False)


def until_healthy(name):
    """Return once the image's own health check has passed."""

    def is_healthy():
        return docker("inspect", "-f", "{{.State.Health.Status}}", name).strip() == "healthy"

    eventually(is_healthy, 60, f"{name} is healthy")


def python(container, code):
    """Run Python inside the container."""
    host = ("-e", f"PUBSUB_EMULATOR_HOST={HOST}")
    return docker("exec", *host, container, "python", "-c", code)


def test_what_was_published_outlives_the_container(container):
    python(container, PUBLISH)

    docker("kill", container)
    docker("start", container)
    until_healthy(container)

    assert 'data: "kept"' in python(container, PULL)


def test_schemas_and_transforms_work_in_it(container):
    assert python(container, SCHEMAS).strip().isdigit()


def test_it_is_not_root_and_brings_no_compiler(container):
    assert docker("exec", container, "id", "-u").strip() == "10001"
    found = docker(
        "exec", container, "sh", "-c", "for t in gcc cc make; do command -v $t; done; true"
    )
    assert found == ""
    installed = docker("exec", container, "ls", "/app", "/app/emulators")
    assert installed.split() == ["/app:", "emulators", "/app/emulators:", "__init__.py",
                                 "__pycache__", "pubsub"]  # fmt: skip


def test_it_stops_at_once_and_cleanly(container):
    docker("stop", "--time", "5", container)

    state = json.loads(docker("inspect", "-f", "{{json .State}}", container))
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)


def test_it_warns_that_others_may_control_it(container):
    lines = [json.loads(line) for line in docker("logs", container).splitlines()]

    assert lines[0]["grpc"] == "0.0.0.0:8085"
    assert "control API" in lines[1]["message"]
