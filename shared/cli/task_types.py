"""`cloudtasker task-types`: what can be enqueued, and the fields of each payload."""

from collections.abc import Mapping

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.enqueue_errors import unknown_type
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.client import TaskTypeJson


@click.command("task-types")
@click.argument("name", metavar="[TYPE]", required=False)
@url_option
@output_options("table", "json", "jsonl")
@click.pass_obj
def task_types(setup: Setup, name: str | None, url: str | None, output: Output) -> None:
    """List the task types; with TYPE, show its limits and the fields of its payload.

    \b
    Examples:
    $ cloudtasker task-types
    $ cloudtasker task-types send_email
    """

    async def work() -> list[TaskTypeJson]:
        async with connect(setup, url) as client:
            return await client.task_types()

    types = {one["name"]: one for one in run(work())}
    if name is not None and name not in types:
        raise unknown_type(name, sorted(types))
    if not output.is_table:
        _print(types, name, output)
    else:
        _draw(types, name, output)


def _print(types: Mapping[str, TaskTypeJson], name: str | None, output: Output) -> None:
    if name is None:
        output.documents(types.values(), "task_types")
    else:
        output.document(types[name])


def _draw(types: Mapping[str, TaskTypeJson], name: str | None, output: Output) -> None:
    from shared.cli.task_type_view import task_type_details, task_type_table

    if name is None:
        output.draw(task_type_table(list(types.values())))
    else:
        output.draw(task_type_details(types[name]))
