"""`cloudtasker task-types`: what can be enqueued, and the fields of each payload."""

from collections.abc import Mapping

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.enqueue_errors import unknown_type
from shared.cli.errors import Exit
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.cli.words import plain
from shared.client import TaskTypeJson


@click.command("task-types")
@click.argument("name", metavar="[TYPE]", required=False)
@click.option("--check", is_flag=True, help="Read this checkout's files instead; ask no service.")
@url_option
@output_options("table", "json", "jsonl")
@click.pass_obj
def task_types(
    setup: Setup, name: str | None, check: bool, url: str | None, output: Output
) -> None:
    """List the task types; with TYPE, show its limits and the fields of its payload.

    With --check every problem of the files is a line, and the exit code is 1 when there is one.

    \b
    Examples:
    $ cloudtasker task-types
    $ cloudtasker task-types send_email
    $ cloudtasker task-types --check
    """
    if check:
        _check(output)
        return

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


def _check(output: Output) -> None:
    from shared.cli.deep_checks import task_files
    from shared.settings import ROOT

    found = task_files(ROOT)
    wrong = [one.found for one in found if one.verdict == "fail"]
    problems = [plain(line) for text in wrong for line in text.splitlines()]
    if not output.is_table:
        output.documents(({"problem": line} for line in problems), "problems")
    for line in problems if output.is_table else ():
        click.echo(line)
    if problems:
        raise SystemExit(int(Exit.FAILED))
    output.note("".join(f"{one.found}: all can be used." for one in found))


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
