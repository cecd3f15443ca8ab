"""`cloudtasker tasks list`: the newest tasks that a filter names."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, TypedDict, Unpack

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.output import Output, output_options
from shared.cli.params import Moment, label_option
from shared.cli.setup import Setup
from shared.cli.task_view import task_table
from shared.client import TaskSummary
from shared.domain.task import State

LARGEST_PAGE: Final = 500
"""How many tasks the API lists at once."""


class Wanted(TypedDict):
    """The conditions of a listing, under the names that the client gives them."""

    task_type: str | None
    state: str | None
    labels: dict[str, str]
    created_after: datetime | None
    created_before: datetime | None


@click.command("list")
@click.option("--type", "task_type", metavar="TYPE", help="Only tasks of this type.")
@click.option(
    "--state",
    type=click.Choice([state.value for state in State]),
    metavar="STATE",
    help=f"Only tasks in this state: {', '.join(State)}.",
)
@label_option("Only tasks with this label; repeatable.")
@click.option("--created-after", type=Moment(), help="30m, 2h, 1d (that long ago), or RFC 3339.")
@click.option("--created-before", type=Moment(), help="The same forms.")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    metavar="N",
    default=20,
    show_default=True,
    help="At most so many tasks.",
)
@url_option
@output_options("table", "json", "jsonl")
@click.pass_obj
def list_tasks(
    setup: Setup, limit: int, url: str | None, output: Output, **wanted: Unpack[Wanted]
) -> None:
    """List tasks, newest first. All conditions must hold.

    \b
    Examples:
    $ cloudtasker tasks list --state dead --created-after 1d
    $ cloudtasker tasks list --type send_email --label team=blue -o jsonl
    """

    async def work() -> None:
        async with connect(setup, url) as client:
            found = client.find(**wanted, page_size=min(limit, LARGEST_PAGE))
            if output.format == "jsonl":
                await _stream(found, limit, output)
            else:
                await _show(found, limit, setup, output)

    run(work())


async def _stream(found: AsyncIterator[TaskSummary], limit: int, output: Output) -> None:
    """A line a task, as the pages come in."""
    async for task in _first(found, limit):
        output.document(task)


async def _show(
    found: AsyncIterator[TaskSummary], limit: int, setup: Setup, output: Output
) -> None:
    tasks = [task async for task in _first(found, limit)]
    if output.format == "json":
        output.document({"tasks": tasks})
    elif tasks:
        output.draw(task_table(tasks, setup.now()))
    if not tasks:
        output.note("No task fits.")
    elif len(tasks) == limit:
        output.note(f"The newest {limit}; there may be more: --limit shows them.")


async def _first(found: AsyncIterator[TaskSummary], limit: int) -> AsyncIterator[TaskSummary]:
    count = 0
    async for task in found:
        yield task
        count += 1
        if count == limit:
            return
