"""`cloudtasker tasks get`: one task with its attempts."""

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.cli.task_view import show_task


@click.command()
@click.argument("task_id", metavar="ID")
@url_option
@output_options("table", "json")
@click.pass_obj
def get(setup: Setup, task_id: str, url: str | None, output: Output) -> None:
    """Show one task: its state, attempts, payload and result.

    ID is the whole id, as `enqueue` and `list` print it.

    \b
    Examples:
    $ cloudtasker tasks get 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70
    $ cloudtasker tasks get 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70 -o json
    """

    async def work() -> None:
        async with connect(setup, url) as client:
            show_task(await client.get(task_id), setup, output)

    run(work())
