"""Cold start: what importing a task function loads, and what it costs beside the framework."""

import json
import statistics
import subprocess
import sys
from functools import cache

import pytest

from tests.integration.functions.server import ROOT

FUNCTIONS = ["noop", "send_email", "deliver_webhook", "make_thumbnail", "dead_letter", "relay"]
NOT_AT_START = [
    "google.pubsub_v1",
    "google.cloud.pubsub_v1",
    "google.cloud.logging",
    "grpc",
    "alembic",
    "sqlalchemy",
    "pg8000",
    "redis",
    "httpx",
    "jwt",
    "aiosmtplib",
    "fsspec",
    "gcsfs",
    "PIL",
]
_LOADED = "import json, sys, functions.{0}.main as m; print(json.dumps([*sys.modules]))"
_TIMED = "import time; began = time.process_time(); import {0}; print(time.process_time() - began)"


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


@cache
def loaded(name: str) -> frozenset[str]:
    return frozenset(json.loads(run(_LOADED.format(name))))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_loads_no_client_before_it_needs_one(name):
    assert not loaded(name) & set(NOT_AT_START)


@pytest.mark.parametrize("name", ["noop", "send_email", "deliver_webhook", "make_thumbnail"])
def test_a_task_function_loads_no_other_task_type(name):
    others = {"noop", "send_email", "deliver_webhook", "make_thumbnail"} - {name}

    assert not {f"functions.{other}" for other in others} & loaded(name)


def test_importing_send_email_costs_at_most_three_times_the_framework():
    framework, function = [], []
    for _ in range(5):  # in turn, so that a busy machine slows both
        framework.append(float(run(_TIMED.format("functions_framework.aio"))))
        function.append(float(run(_TIMED.format("functions.send_email.main"))))

    assert statistics.median(function) <= 3 * statistics.median(framework)


def test_publishing_to_an_emulator_loads_no_client_library():
    code = (
        "import sys; from shared.adapters.pubsub import PubSubPublisher; {}; "
        "print('google.pubsub_v1' in sys.modules)"
    )
    assert run(code.format("PubSubPublisher('p', emulator_host='h:1')")).strip() == "False"
    assert run(code.format("PubSubPublisher('p')")).strip() == "True"
