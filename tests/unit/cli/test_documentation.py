"""The README of the command line says what the code does."""

import asyncio
import re
from pathlib import Path

import click
import httpx

from shared.cli.errors import Exit
from shared.cli.main import cli
from shared.client import Client
from tests.contract.api.rest_app import BASE_URL, rest_app
from tests.support.memory_api import memory_api

CLI = Path(__file__).resolve().parents[3] / "shared" / "cli"
README = (CLI / "README.md").read_text()


def test_the_readme_has_every_exit_code():
    table = README.split("## Exit codes")[1].split("## ")[0]

    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)} == set(Exit)


def test_the_readme_has_every_error_code():
    code = "".join(file.read_text() for file in CLI.glob("*.py"))

    documented = set(re.findall(r"^\| (CT\d{3}) \|", README, re.M))
    assert documented == set(re.findall(r'"(CT\d{3})"', code))


def test_the_readme_has_every_command():
    context = click.Context(cli)

    for name in cli.list_commands(context):
        assert f"`{name}" in README


def test_the_example_of_the_client_works():
    """The README's lines, on the API in memory; the task type there is another one."""
    readme = (CLI.parent / "client" / "README.md").read_text()
    [example] = re.findall(r"```python\n(.*?)```", readme, re.S)
    lines = example.replace('"noop", "payload": {}', '"greet", "payload": {"name": "Ana"}')
    lines = lines.replace('wait(receipt["task_id"], timeout_seconds=30)', "get(receipt['task_id'])")
    program = "async def run(Client):\n" + "\n".join(f"    {line}" for line in lines.splitlines())
    program += "\n    return task"
    transport = httpx.ASGITransport(rest_app(memory_api().api))
    names: dict[str, object] = {}

    exec(program, names)  # noqa: S102 - our own README
    task = asyncio.run(names["run"](lambda url: Client(BASE_URL, transport=transport)))

    assert task["state"] == "queued"
