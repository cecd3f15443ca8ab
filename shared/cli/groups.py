"""The group `cloudtasker groups`: tasks that belong together, and what follows them."""

import json
import sys
from pathlib import Path
from typing import Any, cast

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.errors import Exit
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.client import GroupJson, GroupRequest, StartedGroup


@click.group()
def groups() -> None:
    """Start tasks as a group, and see when all of them have ended.

    \b
    Example:
    $ cloudtasker groups start --file group.json
    """


@groups.command()
@click.option(
    "--file",
    type=Path,
    required=True,
    metavar="FILE",
    help='A JSON object {"tasks": [...], "then": {...}, "on_failure": {...}}; - is stdin.',
)
@url_option
@output_options("table", "json")
@click.pass_obj
def start(setup: Setup, file: Path, url: str | None, output: Output) -> None:
    """Enqueue a group of up to 1,000 tasks, and print its id. All of it or nothing.

    \b
    Example:
    $ cloudtasker groups start --file group.json
    """
    asked = _object(file)

    async def work() -> StartedGroup:
        async with connect(setup, url) as client:
            return await client.start_group(asked)

    started = run(work())
    output.note(f"Enqueued {len(started['task_ids'])} tasks.")
    if output.is_table:
        click.echo(started["group_id"])
    else:
        output.document(started)


@groups.command()
@click.argument("group_id", metavar="ID")
@url_option
@output_options("table", "json")
@click.pass_obj
def get(setup: Setup, group_id: str, url: str | None, output: Output) -> None:
    """Show how a group stands.

    \b
    Example:
    $ cloudtasker groups get 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70
    """

    async def work() -> GroupJson:
        async with connect(setup, url) as client:
            return await client.group(group_id)

    _show(run(work()), output)


@groups.command()
@click.argument("group_id", metavar="ID")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Then exit 124.",
)
@url_option
@output_options("table", "json")
@click.pass_context
def wait(
    context: click.Context, group_id: str, timeout: float, url: str | None, output: Output
) -> None:
    """Wait until a group has ended; exit 1 unless every task succeeded.

    \b
    Example:
    $ cloudtasker groups wait 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70 --timeout 300
    """
    setup = context.ensure_object(Setup)

    async def work() -> GroupJson:
        async with connect(setup, url) as client:
            return await client.wait_for_group(group_id, timeout)

    group = run(work())
    _show(group, output)
    if group["state"] == "running":
        output.note(f"It still runs after {timeout:g} s.")
        context.exit(Exit.TIMED_OUT)
    if group["state"] == "failed":
        context.exit(Exit.FAILED)


def _object(file: Path) -> GroupRequest:
    try:
        asked: Any = json.loads(sys.stdin.read() if str(file) == "-" else file.read_bytes())
    except (OSError, ValueError) as broken:
        raise click.BadParameter(f"{file}: {broken}", param_hint="--file") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("tasks"), list):
        raise click.BadParameter('it must be an object {"tasks": [...]}', param_hint="--file")
    return cast("GroupRequest", asked)


def _show(group: GroupJson, output: Output) -> None:
    if not output.is_table:
        output.document(group)
        return
    from shared.cli.task_view import plain_grid
    from shared.cli.words import clock

    facts = plain_grid()
    facts.add_row("group", group["group_id"])
    facts.add_row("state", group["state"])
    facts.add_row(
        "tasks", f"{group['total']:,}: {group['succeeded']:,} succeeded, {group['failed']:,} failed"
    )
    facts.add_row("created", clock(group["created_at"]))
    if group["finished_at"]:
        facts.add_row("ended", clock(group["finished_at"]))
    for name, task_id in group["follow_ups"].items():
        facts.add_row(name, task_id)
    output.draw(facts)
