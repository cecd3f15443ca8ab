"""The README of the command line says what the code does."""

import re
from pathlib import Path

import click

from shared.cli.errors import Exit
from shared.cli.main import cli

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
