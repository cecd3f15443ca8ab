"""The command as a process of its own: what it imports, signals, streams, and what it starts."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.ports import free_port

COMMAND = [sys.executable, "-m", "shared.cli"]


def run(*words: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=60, **options)


def imported_by(*words: str) -> set[str]:
    """The modules that are loaded once the command has run."""
    program = (
        "import sys\nfrom shared.cli.__main__ import main\n"
        f"sys.argv[1:] = {list(words)}\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return set(ended.stderr.split())


HEAVY = {"rich", "httpx", "pydantic", "sqlalchemy", "pg8000", "grpc", "alembic", "asyncio"}


@pytest.mark.parametrize("words", [["--version"], ["tasks", "lost"]])
def test_a_trivial_command_loads_nothing_that_is_slow(words):
    assert not HEAVY & imported_by(*words)


def test_a_help_text_loads_no_client():
    assert not {"httpx", "pydantic", "pg8000", "grpc"} & imported_by("--help")


def test_migrate_loads_no_client_of_the_api():
    assert not {"rich", "httpx", "pydantic", "grpc"} & imported_by("migrate")


def test_the_version_comes_from_the_installed_distribution():
    ended = run("--version")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("cloudtasker ")


def test_nothing_on_stdout_but_one_document_when_json_is_asked_for(tmp_path):
    ended = run(
        "tasks", "list", "-o", "json", env={**os.environ, "CLOUDTASKER_STATE": str(tmp_path)}
    )

    assert ended.returncode == 5
    assert json.loads(ended.stdout)["error"]["code"] == "CT503"
    assert ended.stderr == ""


@contextmanager
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """A server that never answers; the event says that our request came, not a stranger's."""
    came = threading.Event()
    kept = []
    with socket.create_server(("127.0.0.1", free_port())) as server:

        def accept() -> None:
            while not came.is_set():
                connection, _ = server.accept()
                kept.append(connection)
                if connection.recv(1 << 16).startswith(b"GET /tasks"):
                    came.set()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", came
    for connection in kept:
        connection.close()


def test_ctrl_c_exits_with_130_and_no_stack_trace():
    with silent_server() as (url, asked):
        process = subprocess.Popen(
            [*COMMAND, "tasks", "list", "--url", url], stderr=subprocess.PIPE, text=True
        )
        assert asked.wait(30)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "CT130 Interrupted." in said
    assert "Traceback" not in said


def test_ctrl_c_while_the_command_loads_shows_no_stack_trace():
    program = (
        "import os, signal, sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'rich_click':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from shared.cli.__main__ import main\n"
        "main()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr.startswith("CT130 Interrupted.")
    assert "Traceback" not in ended.stderr


def test_a_reader_that_closes_the_pipe_early_sees_no_stack_trace():
    process = subprocess.Popen(
        [*COMMAND, "completion", "bash"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    said = process.stderr.read()
    process.wait(30)

    assert "Traceback" not in said


def test_a_terminal_that_knows_no_unicode_gets_question_marks(tmp_path):
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "CLOUDTASKER_STATE": str(tmp_path)}

    ended = run("tasks", "enqueue", "--help", env=ascii_only)

    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr


def test_dev_replaces_the_process_by_the_stack(tmp_path):
    """A checkout of one file stands for the stack and says who it is and what it was told."""
    stack = tmp_path / "emulators" / "stack"
    stack.mkdir(parents=True)
    for package in (stack.parent, stack):
        (package / "__init__.py").touch()
    (stack / "__main__.py").write_text("import os, sys; print(os.getpid(), *sys.argv[1:])")
    path = os.pathsep.join([str(tmp_path), os.getcwd()])

    with subprocess.Popen(
        [*COMMAND, "dev", "--fresh", "--rest-port", "5001"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        try:
            said, _ = process.communicate(timeout=30)
        finally:
            process.kill()

    assert said.split() == [str(process.pid), "--fresh", "--rest-port", "5001"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_completes_our_commands(shell):
    """What the script asks the command for, asked directly."""
    instruction = {"bash": ("tasks e", "1"), "zsh": ("tasks e", "1"), "fish": ("tasks e", "e")}
    words, at = instruction[shell]
    asked = {
        **os.environ,
        "_CLOUDTASKER_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": f"cloudtasker {words}",
        "COMP_CWORD": at if shell == "fish" else "2",
    }

    ended = run(env=asked)

    assert "enqueue" in ended.stdout
    assert "cancel" not in ended.stdout
