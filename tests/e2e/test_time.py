"""Delay, expiry and schedules on the real stack."""

import os
import signal
from datetime import datetime

import httpx
import pg8000.native
import pytest

from shared.adapters.pg_connection import connect_arguments
from tests.e2e.local_stack import eventually


@pytest.mark.alone
def test_a_delayed_task_starts_at_its_time_and_soon_after(stack):
    task = stack.wait(stack.enqueue("noop", {}, delay_seconds=1.5))
    started, created = (datetime.fromisoformat(task[f"{w}_at"]) for w in ("started", "created"))
    waited = (started - created).total_seconds()
    assert task["state"] == "succeeded"
    assert 1.5 <= waited < 1.5 + 3 * 1.5


def test_a_task_that_could_not_start_in_time_expires(stack):
    function = stack.pid_of("noop")
    os.kill(function, signal.SIGSTOP)
    try:
        task_id = stack.enqueue("noop", {}, expires_in_seconds=1)
        task = stack.wait(task_id, "expired")
    finally:
        os.kill(function, signal.SIGCONT)
    assert (task["error"]["kind"], task["attempts"]) == ("expired", [])
    assert stack.wait(stack.enqueue("noop", {}))["state"] == "succeeded"


def test_a_schedule_s_run_comes_once_when_it_is_due(stack):
    rest = stack.state["rest"]
    schedule = {"name": "e2e", "task_type": "noop", "cron": "0 0 1 1 *", "payload": {"result": 1}}
    httpx.post(f"{rest}/schedules", json=schedule).raise_for_status()
    connection = pg8000.native.Connection(**connect_arguments(stack.state["postgres"]))
    try:
        connection.run("UPDATE schedules SET next_at = now() WHERE name = 'e2e'")
        eventually(lambda: stack.count("succeeded", "schedule:e2e") == 1, 60, "the run is made")
    finally:
        connection.close()
    after = httpx.get(f"{rest}/schedules/e2e").json()
    assert after["last_at"] is not None
    assert after["next_at"] > after["updated_at"]
    assert httpx.delete(f"{rest}/schedules/e2e").status_code == 204
    assert stack.count("succeeded", "schedule:e2e") == 1
