"""The Node client from npm, unmodified, against the emulator. `node_client.cjs` is the program."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

VERSION = "5.3.1"  # of @google-cloud/pubsub
# Kept between runs, so that only the first one downloads.
CACHE = Path.home() / ".cache" / "cloudtasker-tests" / f"node-{VERSION}"
PROGRAM = Path(__file__).with_name("node_client.cjs")
INVALID_ARGUMENT = 3


@pytest.fixture(scope="module")
def packages():
    """The folder of node packages with the client in it."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    done = CACHE / "installed"
    if not done.exists():
        install()
        done.touch()
    return CACHE / "node_modules"


def install():
    """Install the client into the cache; skip the tests if npm cannot."""
    CACHE.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", str(CACHE), "--no-audit", "--no-fund"]
    command += ["--ignore-scripts", f"@google-cloud/pubsub@{VERSION}"]
    npm = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    if npm.returncode:
        pytest.skip(f"npm cannot install @google-cloud/pubsub {VERSION}: {npm.stderr[-500:]}")


@pytest.fixture(scope="module", params=["grpc", "rest"])
def report(request, emulator, packages):
    """What the program found, by the gRPC port and by the relay on the HTTP port."""
    address = getattr(emulator, request.param)
    environ = os.environ | {"PUBSUB_EMULATOR_HOST": address, "NODE_PATH": str(packages)}
    environ.pop("GOOGLE_APPLICATION_CREDENTIALS", None)
    command = ["node", str(PROGRAM), f"node-client-{request.param}"]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_message_arrives_as_it_was_published(report):
    assert report["plain"] == {"sameId": True, "data": "hello", "attributes": {"a": "b"}}


def test_a_nacked_message_comes_again(report):
    assert report["nacked"] == ["twice", "twice"]


def test_messages_of_a_key_come_in_order(report):
    assert report["ordered"] is True


def test_an_ack_is_confirmed_under_exactly_once(report):
    assert report["exactlyOnce"] == ["SUCCESS"]


def test_a_snapshot_brings_messages_back(report):
    assert report["snapshot"] == ["again", "again"]


def test_a_schema_is_kept_and_holds_messages_to_it(report):
    assert report["schema"] == {"definition": True, "refused": INVALID_ARGUMENT}


def test_a_subscription_is_detached(report):
    assert report["detached"] is True


def test_the_client_sees_all_subscriptions_and_closes(report):
    assert report["subscriptions"] == 6
