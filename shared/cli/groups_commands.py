"""`cloudtasker groups start`, `get` and `wait`."""

import json
import sys
from pathlib import Path
from typing import Any, cast

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.enqueue_errors import not_started, without_answer
from shared.cli.errors import Exit
from shared.cli.group_view import FIXES, show_group
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.client import (
    ApiError,
    Client,
    GroupJson,
    GroupRequest,
    ServiceUnreachable,
    StartedGroup,
)


@click.command()
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
            return await _start(client, asked)

    started = run(work())
    output.note(_said(started))
    if output.is_table:
        click.echo(started["group_id"])
    else:
        output.document(started)


@click.command()
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

    show_group(run(work(), FIXES), output)


@click.command()
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

    group = run(work(), FIXES)
    show_group(group, output)
    if group["state"] == "running":
        output.note(f"It still runs after {timeout:g} s.")
        context.exit(Exit.TIMED_OUT)
    if group["state"] == "failed":
        context.exit(Exit.FAILED)


async def _start(client: Client, asked: GroupRequest) -> StartedGroup:
    try:
        return await client.start_group(asked)
    except ApiError as refused:
        raise not_started(refused) from refused
    except ServiceUnreachable as away:
        raise without_answer(away) from away


def _said(started: StartedGroup) -> str:
    """What this call has done; after a while not every member of an earlier one is kept."""
    count = f"{len(started['task_ids']):,}"
    if not started["replayed"]:
        return f"Enqueued {count} tasks."
    kept = f"{count} of its tasks are kept"
    return f"Nothing was enqueued: the idempotency key belongs to this earlier group; {kept}."


def _object(file: Path) -> GroupRequest:
    try:
        asked: Any = json.loads(sys.stdin.read() if str(file) == "-" else file.read_bytes())
    except (OSError, ValueError) as broken:
        raise click.BadParameter(f"{file}: {broken}", param_hint="--file") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("tasks"), list):
        raise click.BadParameter('it must be an object {"tasks": [...]}', param_hint="--file")
    return cast("GroupRequest", asked)
