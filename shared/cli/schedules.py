"""The group `cloudtasker schedules`: what is enqueued by the clock."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.output import Output, output_options
from shared.cli.payload_input import PayloadInput
from shared.cli.schedule_view import schedule_table
from shared.cli.setup import Setup
from shared.cli.words import age, clock
from shared.client import Client
from shared.client.schedules import ScheduleJson, ScheduleRequest
from shared.domain.errors import Code
from shared.domain.missed import Missed

_FIXES: Final[Mapping[str, str]] = {
    Code.NOT_FOUND: "`cloudtasker schedules list` shows those that there are.",
    Code.WRONG_STATE: "change the file and deploy it, or `cloudtasker schedules pause` it.",
    Code.ALREADY_EXISTS: "choose another name, or `cloudtasker schedules delete` that one.",
}


@click.group()
def schedules() -> None:
    """List, make, pause and run schedules.

    A schedule of a task.yaml is changed there; it can be paused, resumed and run here.

    \b
    Example:
    $ cloudtasker schedules create report send_email "0 7 * * mon-fri" --time-zone Europe/Berlin
    """


@schedules.command("list")
@url_option
@output_options("table", "json", "jsonl")
@click.pass_obj
def list_schedules(setup: Setup, url: str | None, output: Output) -> None:
    """List every schedule, by name.

    \b
    Example:
    $ cloudtasker schedules list
    """
    found = _ask(setup, url, lambda client: client.schedules())
    if not output.is_table:
        output.documents(found, "schedules")
    elif found:
        output.draw(schedule_table(found, setup.now()))
    if not found:
        output.note("There is no schedule.")


@schedules.command()
@click.argument("name", metavar="NAME")
@click.argument("task_type", metavar="TYPE")
@click.argument("cron", metavar="CRON")
@click.argument("fields", metavar="[KEY=VALUE]...", nargs=-1)
@click.option("--time-zone", default="UTC", show_default=True, metavar="ZONE", help="IANA's name.")
@click.option("--json", "text", metavar="OBJECT", help="The payload as a JSON object.")
@click.option("--file", type=Path, metavar="FILE", help="Read that object from a file; - is stdin.")
@click.option(
    "--missed",
    type=click.Choice([one.value for one in Missed]),
    default=Missed.RUN_ONCE.value,
    show_default=True,
    help="What happens to runs that are over 5 minutes late.",
)
@url_option
@output_options("table", "json")
@click.pass_obj
def create(
    setup: Setup,
    /,
    name: str,
    task_type: str,
    cron: str,
    url: str | None,
    output: Output,
    **given: Any,
) -> None:
    """Make a schedule. CRON is minute hour day month weekday, on the zone's clock.

    KEY=TEXT sets a string of the payload, KEY:=JSON any JSON value.

    \b
    Examples:
    $ cloudtasker schedules create nightly noop "30 2 * * *" --missed skip
    $ cloudtasker schedules create often noop "*/5 * * * *" sleep_seconds:=1
    """
    payload = PayloadInput(given["fields"], given["text"], given["file"], False).payload()
    request = ScheduleRequest(
        name=name,
        task_type=task_type,
        cron=cron,
        time_zone=given["time_zone"],
        payload=payload,
        missed=given["missed"],
    )
    made = _ask(setup, url, lambda client: client.create_schedule(request))
    _tell(made, f"Made {name}; it runs {_next(made, setup)}.", output)


@schedules.command()
@click.argument("name", metavar="NAME")
@url_option
@output_options("table")
@click.pass_obj
def delete(setup: Setup, name: str, url: str | None, output: Output) -> None:
    """Delete a schedule; the tasks that it made stay.

    \b
    Example:
    $ cloudtasker schedules delete nightly
    """
    _ask(setup, url, lambda client: client.delete_schedule(name))
    output.note(f"Deleted {name}.")


@schedules.command()
@click.argument("name", metavar="NAME")
@url_option
@output_options("table", "json")
@click.pass_obj
def pause(setup: Setup, name: str, url: str | None, output: Output) -> None:
    """Let a schedule make no more runs. Pausing it again is no error.

    \b
    Example:
    $ cloudtasker schedules pause nightly
    """
    paused = _ask(setup, url, lambda client: client.pause_schedule(name))
    _tell(paused, f"Paused {name}.", output)


@schedules.command()
@click.argument("name", metavar="NAME")
@url_option
@output_options("table", "json")
@click.pass_obj
def resume(setup: Setup, name: str, url: str | None, output: Output) -> None:
    """Let a schedule make runs again; those of the pause are not made up for.

    \b
    Example:
    $ cloudtasker schedules resume nightly
    """
    resumed = _ask(setup, url, lambda client: client.resume_schedule(name))
    _tell(resumed, f"Resumed {name}; it runs {_next(resumed, setup)}.", output)


@schedules.command("run")
@click.argument("name", metavar="NAME")
@url_option
@output_options("table", "json")
@click.pass_obj
def run_now(setup: Setup, name: str, url: str | None, output: Output) -> None:
    """Make one run now, and print its task's id. The schedule stays as it is.

    \b
    Example:
    $ cloudtasker schedules run nightly
    """
    receipt = _ask(setup, url, lambda client: client.run_schedule(name))
    output.note(f"Enqueued {receipt['task_type']} {receipt['task_id']}.")
    if output.is_table:
        click.echo(receipt["task_id"])
    else:
        output.document(receipt)


def _ask(setup: Setup, url: str | None, ask: Callable[[Client], Awaitable[Any]]) -> Any:
    async def work() -> Any:
        async with connect(setup, url) as client:
            return await ask(client)

    return run(work(), _FIXES)


def _tell(schedule: ScheduleJson, said: str, output: Output) -> None:
    output.note(said)
    if not output.is_table:
        output.document(schedule)


def _next(schedule: ScheduleJson, setup: Setup) -> str:
    next_at = schedule["next_at"]
    return f"at {clock(next_at)}, {age(next_at, setup.now())}" if next_at else "never"
