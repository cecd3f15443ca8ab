"""Schemas and transforms over a restart and a kill, on push, and what they cost who has none."""

import asyncio
import base64
import subprocess
import sys

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import SchemaServiceAsyncClient
from google.pubsub_v1.services.schema_service.transports import SchemaServiceGrpcAsyncIOTransport

from tests.contract.pubsub.processes import ours
from tests.integration.pubsub.conftest import PROJECT, SUBSCRIPTION, TOPIC, eventually

PARENT, NAME = {"parent": PROJECT}, f"{PROJECT}/schemas/states"
UPPER = "function f(m) { m.data = m.data.toUpperCase(); return m.data === 'NO' ? null : m; }"
TRANSFORMS = {"message_transforms": [{"javascript_udf": {"function_name": "f", "code": UPPER}}]}


def record(*fields):
    inner = ",".join(f'{{"name": "{name}", "type": "int", "default": 0}}' for name in fields)
    return {
        "type_": "AVRO",
        "definition": f'{{"type": "record", "name": "S", "fields": [{inner}]}}',
    }


@pytest.fixture
def schemas():
    """The asynchronous client of the SchemaService on a connection."""

    def schemas(client):
        transport = SchemaServiceGrpcAsyncIOTransport(channel=client.channel)
        return SchemaServiceAsyncClient(transport=transport)

    return schemas


async def test_schemas_and_what_topics_make_of_them_survive_a_kill(tmp_path, connect, schemas):
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        service = schemas(client)
        request = {**PARENT, "schema_id": "states", "schema": record("a")}
        first = await service.create_schema(request=request)
        second = await service.commit_schema(name=NAME, schema=record("a", "b"))
        third = await service.commit_schema(name=NAME, schema=record("a", "b", "c"))
        settings = {"schema": NAME, "encoding": "JSON", "last_revision_id": third.revision_id}
        request = {"name": TOPIC, "schema_settings": settings}
        topic = await client.publisher.create_topic(request=request)
        await service.delete_schema_revision(name=f"{NAME}@{third.revision_id}")
        fourth = await service.commit_schema(name=NAME, schema=record("a", "b", "d"))
        emulator.kill()

    with ours(tmp_path) as emulator:
        client = connect(emulator)
        service = schemas(client)
        request = {"name": NAME, "view": "FULL"}
        found = [one async for one in await service.list_schema_revisions(request=request)]
        assert found == [first, second, fourth]
        assert await client.publisher.get_topic(topic=TOPIC) == topic
        await client.publish(b'{"a": 1, "b": 1}')
        with pytest.raises(exceptions.InvalidArgument):
            await client.publish(b'{"a": 1, "b": 1, "d": 1}')


async def test_a_deleted_schema_stays_deleted_after_a_kill(tmp_path, connect, schemas):
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        service = schemas(client)
        await service.create_schema({**PARENT, "schema_id": "states", "schema": record("a")})
        settings = {"schema": NAME, "encoding": "JSON"}
        await client.publisher.create_topic({"name": TOPIC, "schema_settings": settings})
        await service.delete_schema(name=NAME)
        emulator.kill()

    with ours(tmp_path) as emulator:
        client = connect(emulator)
        assert [one async for one in await schemas(client).list_schemas(parent=PROJECT)] == []
        topic = await client.publisher.get_topic(topic=TOPIC)
        assert topic.schema_settings.schema == "_deleted-schema_"


@pytest.fixture
def javascript():
    """For what needs the engine."""
    pytest.importorskip("py_mini_racer", reason="JavaScript transforms need mini-racer")


async def test_transforms_are_applied_after_a_kill_too(tmp_path, connect, javascript):
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.create(**TRANSFORMS)
        await client.publish(b"no", b"yes")
        assert [one.message.data for one in await client.pull(1)] == [b"YES"]
        await client.publish(b"again")
        emulator.kill()

    with ours(tmp_path) as emulator:
        received = await connect(emulator).pull(2)
        assert [one.message.data for one in received] == [b"YES", b"AGAIN"]


async def test_pushes_are_transformed_filtered_and_in_order(
    tmp_path, connect, receiver, javascript
):
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        push = {"push_config": {"push_endpoint": receiver.url}, "enable_message_ordering": True}
        await client.create(**push, **TRANSFORMS)
        bodies = [b"no" if number % 3 == 2 else b"letter-%d" % number for number in range(30)]
        await client.publish(*bodies, ordering_key="key")
        await receiver.until(20)

    pushed = [base64.b64decode(one.body["message"]["data"]) for one in receiver.requests]
    assert pushed == [body.upper() for body in bodies if body != b"no"]


async def test_what_a_failing_transform_leaves_is_delivered_once_it_is_mended(
    tmp_path, connect, receiver, javascript
):
    with ours(tmp_path, "--push-backoff", "off") as emulator:
        client = connect(emulator)
        broken = {"function_name": "f", "code": "function f() { throw 1; }"}
        retry = {"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 1}}
        await client.create(
            push_config={"push_endpoint": receiver.url},
            message_transforms=[{"javascript_udf": broken}],
            retry_policy=retry,
        )
        await client.publish(b"letter")
        mended = {"name": SUBSCRIPTION, **TRANSFORMS}
        await client.subscriber.update_subscription(
            request={"subscription": mended, "update_mask": {"paths": ["message_transforms"]}}
        )
        await eventually(lambda: receiver.requests)

    assert base64.b64decode(receiver.requests[0].body["message"]["data"]) == b"LETTER"


async def test_a_stop_does_not_wait_for_endless_scripts(tmp_path, connect, javascript):
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        endless = {"function_name": "f", "code": "function f() { for (;;); }"}
        transforms = [{"javascript_udf": endless}]
        await client.publisher.create_topic({"name": TOPIC, "message_transforms": transforms})
        publishing = asyncio.ensure_future(client.publish(*[b"x"] * 100))
        await asyncio.sleep(1)
        status, seconds = await asyncio.to_thread(emulator.terminate)
        publishing.cancel()

    assert status == 0
    assert seconds < 15  # half a second for each message would be 50


def test_a_server_without_schemas_and_transforms_loads_nothing_for_them():
    code = (
        "import sys, emulators.pubsub.server as server;"
        "print(*sorted({'fastavro', 'grpc_tools.protoc', 'py_mini_racer'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)

    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [], "")
