"""The process: how it starts, stops and idles."""

import asyncio
import json
import re
import subprocess
import sys

import grpc
import psutil
import pytest
from google.api_core import exceptions

from tests.contract.pubsub.processes import command, ours
from tests.integration.pubsub.conftest import SUBSCRIPTION, TOPIC


def test_help_tells_how_clients_find_it():
    done = subprocess.run(command("--help"), capture_output=True, text=True, timeout=20)

    assert done.returncode == 0
    for word in ("PUBSUB_EMULATOR_HOST", "--durability", "--push-backoff", "oauth2/v3/certs"):
        assert word in done.stdout
    for word in ("--seed", "--lenient", "/_emulator/"):
        assert word in done.stdout


def test_help_loads_nothing_slow():
    code = """
import runpy, sys
sys.argv = ["emulators.pubsub", "--help"]
try:
    runpy.run_module("emulators.pubsub", run_name="__main__")
except SystemExit:
    print(*[name for name in ("grpc", "aiohttp", "google.protobuf") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)

    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_cannot_be_is_refused_by_name(port):
    done = subprocess.run(command("--http-port", port), capture_output=True, text=True, timeout=20)

    assert done.returncode == 2
    assert "--http-port" in done.stderr


TOPICS = f"topics:\n- name: {TOPIC}\nsubscriptions:\n- {{name: {SUBSCRIPTION}, topic: {TOPIC}}}\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("seed.yaml", TOPICS + f"messages: [{{topic: {TOPIC}, messages: [{{text: hello}}]}}]\n"),
        (
            "seed.json",
            json.dumps(
                {
                    "topics": [{"name": TOPIC}],
                    "subscriptions": [{"name": SUBSCRIPTION, "topic": TOPIC}],
                    "messages": [{"topic": TOPIC, "messages": [{"text": "hello"}]}],
                }
            ),
        ),
    ],
)
async def test_a_seed_is_there_before_it_serves_and_once_only(tmp_path, connect, name, text):
    (tmp_path / name).write_text(text)
    for _ in range(2):
        with ours(tmp_path / "data", "--seed", tmp_path / name) as emulator:
            received = await connect(emulator).pull(1)

            assert [one.message.data for one in received] == [b"hello"]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("seed.json", '{"topics": [{"name": "letters"}]}', "name 'letters' is not of the form"),
        ("seed.json", "topics: []", "is not JSON"),
        ("seed.yaml", "topics: [", "is not YAML"),
        ("seed.yaml", "", "None is not a JSON object"),
        ("other.json", "{}", "seed.json cannot be read"),
    ],
)
def test_a_seed_that_cannot_be_made_stops_the_start(tmp_path, name, text, problem):
    (tmp_path / name).write_text(text)
    seed = name if name != "other.json" else "seed.json"
    arguments = command("--data-dir", tmp_path, "--seed", tmp_path / seed)
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=20)

    assert (done.returncode, done.stdout) == (1, "")
    assert problem in done.stderr
    assert "--seed" in done.stderr


def test_the_first_line_tells_the_addresses(tmp_path):
    with subprocess.Popen(
        command("--data-dir", tmp_path, "--port", 0, "--http-port", 0),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        line = json.loads(process.stdout.readline())
        process.terminate()
        rest = process.stdout.read()

    assert line["severity"] == "INFO"
    assert line["grpc"] in line["message"]
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d+", line["http"])
    assert line["pid"] == process.pid
    assert rest == ""


async def test_a_stop_answers_a_waiting_pull_unavailable_and_is_quick(tmp_path, connect):
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.create()
        pull = asyncio.create_task(
            client.subscriber.pull(subscription=SUBSCRIPTION, max_messages=1, retry=None)
        )
        await asyncio.sleep(0)
        await client.subscriber.get_subscription(subscription=SUBSCRIPTION)  # came after the pull
        status, seconds = await asyncio.to_thread(emulator.terminate)

        with pytest.raises(exceptions.ServiceUnavailable, match="stopping"):
            await pull

    assert status == 0
    assert seconds < 4.5  # a pull that waits would take 5 s


async def test_a_stop_does_not_wait_for_a_push_that_hangs(tmp_path, connect, receiver):
    async def hang(_):
        await asyncio.sleep(60)

    receiver.answers = [hang]
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.create(push_config={"push_endpoint": receiver.url})
        await client.publish(b"x")
        await receiver.until(1)
        _, seconds = await asyncio.to_thread(emulator.terminate)
    assert seconds < 30  # the push would take 60 s

    with ours(tmp_path):
        await receiver.until(2)


async def test_it_listens_on_its_host_alone(tmp_path):
    with ours(tmp_path) as emulator:
        listening = {
            connection.laddr.ip.removeprefix("::ffff:")
            for connection in psutil.Process(emulator.process.pid).net_connections()
            if connection.status == psutil.CONN_LISTEN
        }

    assert listening == {"127.0.0.1"}


async def test_it_is_small_and_does_nothing_while_idle(tmp_path, connect):
    with ours(tmp_path) as emulator:
        await connect(emulator).create()
        process = psutil.Process(emulator.process.pid)
        before = process.cpu_times()
        await asyncio.sleep(1)
        after = process.cpu_times()

        used = after.user + after.system - before.user - before.system
        assert used <= 0.03
        assert process.memory_info().rss < 80_000_000


def test_a_start_costs_little_until_the_first_answer(tmp_path):
    """In processor time, which does not depend on what else the machine does."""
    with ours(tmp_path) as emulator:
        with grpc.insecure_channel(emulator.grpc) as channel:
            list_topics = channel.unary_unary("/google.pubsub.v1.Publisher/ListTopics")
            list_topics(b"\x0a\x0aprojects/p", timeout=5)
        times = psutil.Process(emulator.process.pid).cpu_times()

    assert times.user + times.system < 1.5
