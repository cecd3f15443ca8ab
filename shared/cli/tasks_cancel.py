"""`cloudtasker tasks cancel`: stop a task before it runs, or while it does."""

from datetime import datetime
from typing import Unpack

import rich_click as click

from shared.cli.api import connect, refusal, run, url_option
from shared.cli.bulk import bulk_options, run_bulk
from shared.cli.bulk_filter import BulkWords, asked_of, filter_options, is_bulk, state_option
from shared.cli.errors import CliError
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.cli.words import age
from shared.client import ApiError, Client, TaskJson
from shared.domain.errors import Code


@click.command()
@click.argument("task_ids", metavar="[ID]...", nargs=-1)
@filter_options
@state_option
@bulk_options
@url_option
@output_options("table", "json")
@click.pass_obj
def cancel(
    setup: Setup,
    task_ids: tuple[str, ...],
    state: str | None,
    url: str | None,
    output: Output,
    **words: Unpack[BulkWords],
) -> None:
    """Cancel a task that waits to run, or ask one that runs to stop. Again is no error.

    A run is `cancelled` once its handler has stopped, which a careful one does within seconds. A
    finished task stays as it is, and the exit code is 4. Several tasks, or all that the conditions
    fit, are a bulk operation: it counts first and asks, and `cloudtasker ops` shows it.

    \b
    Examples:
    $ cloudtasker tasks cancel 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70
    $ cloudtasker tasks cancel --type send_email --label campaign=spring
    $ cloudtasker tasks cancel --state scheduled --dry-run
    """
    if len(task_ids) != 1 or is_bulk(words) or state:
        run_bulk(setup, url, output, asked_of("cancel", task_ids, words, state))
        return
    [task_id] = task_ids

    async def work() -> TaskJson:
        async with connect(setup, url) as client:
            return await _cancel(client, task_id, setup.now())

    task = run(work())
    if output.is_table:
        output.note(_done(task))
    else:
        output.document(task)


def _done(task: TaskJson) -> str:
    if task["state"] == "running":
        return (
            f"Asked {task['task_type']} {task['task_id']} to stop; it runs until its handler does: "
            f"cloudtasker tasks get {task['task_id']}"
        )
    return f"Cancelled {task['task_type']} {task['task_id']}."


async def _cancel(client: Client, task_id: str, now: datetime) -> TaskJson:
    try:
        return await client.cancel(task_id)
    except ApiError as refused:
        if refused.code != Code.WRONG_STATE:
            raise
        raise _too_late(refused, await client.get(task_id), now) from refused


def _too_late(refused: ApiError, task: TaskJson, now: datetime) -> CliError:
    """CT404, with what the task is doing instead."""
    doing = f"is {task['state']}"
    if task["finished_at"]:
        doing = f"finished {age(task['finished_at'], now)} ({task['state']})"
    return refusal(
        refused,
        "The task is unchanged.",
        what=f"Task {task['task_id']} {doing}, so it was not cancelled.",
        fix=f"see what it does: cloudtasker tasks get {task['task_id']}",
    )
