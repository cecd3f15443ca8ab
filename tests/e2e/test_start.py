"""`cloudtasker dev`: start, stop, kill -9, a second start, reload, what it says when it cannot."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.local_stack import CHECKOUT, COMMAND, LocalStack, eventually
from tests.support.ports import free_port

# A person's deadlines (seconds), three times over: test machines are shared.
COLD, KEPT, STOP, RELOAD = 6 * 3, 4 * 3, 3 * 3, 2 * 3


@pytest.fixture
def stack(tmp_path):
    made = LocalStack(tmp_path)
    yield made
    made.stop(signal.SIGKILL)


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def alive(processes: list[psutil.Process]) -> list[str]:
    return [
        f"{p.pid} {p.name()}"
        for p in processes
        if p.is_running() and p.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.mark.alone
def test_it_starts_stops_and_keeps_its_data(stack):
    cold = stack.start()
    kept_id = stack.enqueue("noop", {"result": "kept"})
    stack.wait(kept_id)
    everybody = family(stack.pid)
    stopped = stack.stop()
    eventually(lambda: not alive(everybody), 60, "nothing is left running")
    kept = stack.start()
    assert stack.task(kept_id)["result"]["result"] == "kept"
    print(f"cold {cold:.1f} s, kept {kept:.1f} s, stop {stopped:.1f} s")
    assert cold < COLD
    assert kept < KEPT
    assert stopped < STOP


def test_a_killed_supervisor_leaves_nobody_behind_and_starts_again(stack):
    stack.start()
    everybody = family(stack.pid)
    assert len(everybody) > 10
    stack.stop(signal.SIGKILL)
    eventually(lambda: not alive(everybody), 60, "no orphan is left")
    stack.start()
    stack.wait(stack.enqueue("noop", {}))
    assert "CT104" in stack.log_file.read_text()


def test_a_second_start_says_who_runs_already(stack):
    stack.start()
    second = subprocess.run(
        [COMMAND, "dev", "--data-dir", stack.data_dir], cwd=CHECKOUT, capture_output=True, text=True
    )
    said = second.stdout + second.stderr
    assert second.returncode == 1
    assert f"CT103 This project is already running (pid {stack.pid}" in said
    assert said.strip().splitlines()[-1].startswith("Fix: ")
    stack.wait(stack.enqueue("noop", {}))


def test_a_port_that_was_asked_for_and_is_taken_is_an_error_that_names_its_holder(tmp_path):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        refused = subprocess.run(
            [COMMAND, "dev", "--data-dir", tmp_path / "d", "--rest-port", str(port)],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
        )
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1
    assert f"CT102 Port {port} is in use by" in said
    assert str(os.getpid()) in said


def test_missing_postgres_binaries_are_an_error_with_the_fix(tmp_path):
    refused = subprocess.run(
        [COMMAND, "dev", "--data-dir", tmp_path / "d"],
        cwd=CHECKOUT,
        env={**os.environ, "CLOUDTASKER_PG_BIN": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1
    assert "CT101 PostgreSQL was not found." in said
    assert said.strip().splitlines()[-1].startswith(("Fix: ", "or use"))


@pytest.mark.alone
def test_an_edited_function_serves_its_next_task(tmp_path):
    """In a copy of the checkout, since the edit is a real one."""
    root = tmp_path / "checkout"
    root.mkdir()
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in files.stdout.splitlines():
        source, target = CHECKOUT / name, root / name
        if source.is_file() and not name.startswith("tests/"):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    stack = LocalStack(tmp_path, root=root, environ={"PYTHONPATH": str(root)})
    try:
        stack.start()
        stack.wait(stack.enqueue("noop", {}))
        handler = root / "functions" / "noop" / "handler.py"
        handler.write_text(
            handler.read_text()
            + "\n\nasync def noop(payload, context):  # type: ignore\n    return 'edited'\n"
        )
        saved = time.monotonic()

        def is_edited() -> bool:
            return bool(stack.wait(stack.enqueue("noop", {}))["result"] == "edited")

        eventually(is_edited, 30, "the edited handler runs")
        took = time.monotonic() - saved
        print(f"reload {took:.1f} s")
        assert took < RELOAD
    finally:
        stack.stop(signal.SIGKILL)


def test_a_function_starts_by_itself_with_the_plain_framework_command(stack, tmp_path):
    stack.start()
    port = free_port()
    url = stack.state["functions"]["noop"]
    environ = {
        **os.environ,
        "CLOUDTASKER_DATABASE_URL": stack.state["postgres"],
        "CLOUDTASKER_PUSH_ISSUER_KEYS_URL": f"{stack.state['pubsub_http']}/oauth2/v3/certs",
        "CLOUDTASKER_PUSH_SERVICE_ACCOUNT": stack.state["push_service_account"],
        "CLOUDTASKER_PUSH_AUDIENCE": url,
        "PYTHONPATH": str(CHECKOUT),
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }
    with (tmp_path / "function.log").open("wb") as log:
        function = subprocess.Popen(
            [
                Path(COMMAND).with_name("functions-framework"),
                "--target=noop",
                "--source=functions/noop/main.py",
                "--asgi",
            ],
            cwd=CHECKOUT,
            env=environ,
            stdout=log,
            stderr=log,
        )
    try:
        own = f"http://127.0.0.1:{port}"

        def ready() -> bool:
            try:
                return httpx.get(f"{own}/ready", timeout=5).status_code == 200
            except httpx.HTTPError:
                return False

        eventually(ready, 60, "the function is ready")
        token = stack.cli("token", "noop").stdout.strip()
        headers = {"Authorization": f"Bearer {token}"}
        from tests.e2e.test_failures import delivery

        answer = httpx.post(
            own, json=delivery("00000000-0000-0000-0000-000000000000"), headers=headers, timeout=30
        )
        assert answer.status_code == 204
        assert httpx.post(own, json=delivery("x"), timeout=30).status_code == 401
    finally:
        function.send_signal(signal.SIGTERM)
        function.wait(60)
