"""`cloudtasker tasks watch`: see what becomes of a task, line by line, until its end."""

import json
from contextlib import aclosing

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.errors import Exit
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.cli.task_view import error_line, percent_text
from shared.cli.words import clock, plain
from shared.client import TaskJson
from shared.domain.task import State


@click.command()
@click.argument("task_id", metavar="ID")
@url_option
@output_options("table", "json", "jsonl")
@click.pass_context
def watch(context: click.Context, task_id: str, url: str | None, output: Output) -> None:
    """Follow a task: a line for each change of its state or progress, until it is final.

    With -o jsonl (or json) a line is the whole task as JSON. The exit code is 0 when it succeeded.

    \b
    Example:
    $ cloudtasker tasks watch 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70
    """
    setup = context.ensure_object(Setup)

    async def work() -> str:
        state = ""
        async with connect(setup, url) as client, aclosing(client.watch(task_id)) as changes:
            async for task in changes:
                state = task["state"]
                click.echo(line(task) if output.is_table else json.dumps(task))
        return state

    if run(work()) != State.SUCCEEDED:
        context.exit(Exit.FAILED)


def line(task: TaskJson) -> str:
    """`12:00:01.250 UTC  running  attempt 1  40 %  half`."""
    words = [clock(_since(task)), task["state"]]
    if task["attempt"]:
        words.append(f"attempt {task['attempt']}")
    progress = task["progress"]
    if progress and task["state"] == State.RUNNING:
        words.append(percent_text(progress["percent"]))
        words.append(progress["text"])
    if task["state"] == State.RUNNING and task["cancel_requested_at"]:
        words.append("asked to stop")
    words.append(error_line(task["error"]) if task["state"] != State.RUNNING else "")
    return plain("  ".join(filter(None, words)))


def _since(task: TaskJson) -> str:
    """When it came to stand as it does, as far as the task tells."""
    progress = task["progress"] if task["state"] == State.RUNNING else None
    said = progress["at"] if progress else None
    if task["state"] == State.RETRYING and task["attempts"]:
        said = task["attempts"][-1]["finished_at"]
    return task["finished_at"] or said or task["started_at"] or task["created_at"]
