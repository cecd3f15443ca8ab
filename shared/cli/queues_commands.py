"""`cloudtasker queues list`, `pause`, `drain` and `resume`."""

import math
from typing import Final

import rich_click as click
from rich.text import Text

from shared.cli.api import connect, run, url_option
from shared.cli.errors import CliError, Exit
from shared.cli.listing import Listing
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.cli.words import age, plain
from shared.client import Clock
from shared.client.desk_shapes import Queue

POLL_SECONDS: Final = 0.5
CAPPED: Final = 10_000
_STATES: Final = {
    "active": ("▶", "green"),
    "draining": ("◐", "yellow"),
    "paused": ("⏸", "bold yellow"),
}


@click.command("list")
@url_option
@output_options("table", "json", "jsonl")
@click.pass_obj
def list_queues(setup: Setup, url: str | None, output: Output) -> None:
    """List the task types: whether they work, what runs, is held and is dead.

    \b
    Example:
    $ cloudtasker queues list
    """

    async def work() -> list[Queue]:
        async with connect(setup, url) as client:
            return await client.queues()

    found = run(work())
    if not output.is_table:
        output.documents(found, "queues")
        return
    table = Listing("TYPE", "STATE", "RUNNING", "HELD", "DEAD", "SINCE", "WHO", "REASON")
    for one in found:
        icon, style = _STATES.get(one["state"], ("?", ""))
        table.add_row(
            plain(one["task_type"]),
            Text(f"{icon} {one['state']}", style=style),
            *(_count(number) for number in (one["running"], one["held"], one["dead"])),
            age(one["paused_at"], setup.now()) if one["paused_at"] else "",
            plain(one["actor"]),
            plain(one["reason"]),
        )
    output.draw(table)


@click.command()
@click.argument("task_type", metavar="TYPE")
@click.option("--reason", default="", metavar="TEXT", help="Why; stands in the list and the audit.")
@url_option
@output_options("table", "json")
@click.pass_obj
def pause(setup: Setup, task_type: str, reason: str, url: str | None, output: Output) -> None:
    """Begin no more tasks of a type; what runs goes on. Safe to repeat.

    \b
    Example:
    $ cloudtasker queues pause send_email --reason "the mail server is down"
    """

    async def work() -> Queue:
        async with connect(setup, url) as client:
            return await client.pause(task_type, reason)

    _say(run(work()), output)


@click.command()
@click.argument("task_type", metavar="TYPE")
@click.option("--reason", default="", metavar="TEXT", help="Why; stands in the list and the audit.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
              help="Wait so long at most, then exit 124.")  # fmt: skip
@url_option
@output_options("table", "json")
@click.pass_obj
def drain(
    setup: Setup,
    task_type: str,
    reason: str,
    timeout: float | None,
    url: str | None,
    output: Output,
) -> None:
    """Pause a type, and wait until what runs has ended.

    \b
    Example:
    $ cloudtasker queues drain send_email --timeout 120
    """

    async def work() -> Queue:
        clock = setup.wait_clock or Clock()
        end = clock.now() + (timeout or math.inf)
        async with connect(setup, url) as client:
            queue = await client.pause(task_type, reason)
            if queue["state"] == "draining":
                output.note(f"{task_type} begins no more; waiting for {queue['running']} that run.")
            while queue["state"] == "draining" and clock.now() < end:
                await clock.sleep(POLL_SECONDS)
                queue = await client.queue(task_type)
        return queue

    queue = run(work())
    if queue["state"] == "draining":
        raise CliError(
            "CT504",
            f"{task_type} is paused, and {queue['running']} tasks still run after {timeout:g} s.",
            "They go on by themselves.",
            fix="look again: cloudtasker queues list",
            exit_code=Exit.TIMED_OUT,
        )
    _say(queue, output)


@click.command()
@click.argument("task_type", metavar="TYPE")
@url_option
@output_options("table", "json")
@click.pass_obj
def resume(setup: Setup, task_type: str, url: str | None, output: Output) -> None:
    """Begin tasks of a type again; what was held comes back in batches. Safe to repeat.

    \b
    Example:
    $ cloudtasker queues resume send_email
    """

    async def work() -> Queue:
        async with connect(setup, url) as client:
            return await client.resume(task_type)

    _say(run(work()), output)


def _say(queue: Queue, output: Output) -> None:
    if output.is_table:
        counts = f"{_count(queue['running'])} running, {_count(queue['held'])} held"
        output.note(f"{queue['task_type']} is {queue['state']}: {counts}.")
    else:
        output.document(queue)


def _count(number: int) -> str:
    return f"{number:,}+" if number >= CAPPED else f"{number:,}"
