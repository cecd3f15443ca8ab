"""`cloudtasker groups watch`: see how a group comes on, until its last task has ended.

Ctrl-C only ends the watching.
"""

from contextlib import aclosing

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.errors import CliError, Exit
from shared.cli.group_view import FIXES, show_group
from shared.cli.output import Output, output_options
from shared.cli.progress import Progress
from shared.cli.setup import Setup
from shared.client import Client, GroupJson


@click.command()
@click.argument("group_id", metavar="ID")
@url_option
@output_options("table", "json", "jsonl")
@click.pass_context
def watch(context: click.Context, group_id: str, url: str | None, output: Output) -> None:
    """Follow a group until its last task has ended, with its progress on stderr.

    With -o jsonl each change is a line, the whole group as JSON. Exit code 0: every task
    succeeded; 1: some did not.

    \b
    Example:
    $ cloudtasker groups watch 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70
    """
    setup = context.ensure_object(Setup)

    async def work() -> GroupJson:
        async with connect(setup, url) as client:
            return await _followed(client, group_id, output)

    try:
        group = run(work(), FIXES)
    except KeyboardInterrupt:
        raise _detached(group_id) from None
    if output.format != "jsonl":
        show_group(group, output)
    if group["state"] != "succeeded":
        context.exit(Exit.FAILED)


async def _followed(client: Client, group_id: str, output: Output) -> GroupJson:
    """The group at its end; what it was like before is shown meanwhile."""
    group = await client.group(group_id)
    with Progress("tasks", group["total"], output) as progress:
        async with aclosing(client.watch_group(group_id)) as changes:
            async for group in changes:
                if output.format == "jsonl":
                    output.document(group)
                else:
                    progress.update(group["succeeded"] + group["failed"])
    return group


def _detached(group_id: str) -> CliError:
    return CliError(
        "CT130",
        "Detached. The group goes on by itself.",
        fix=f"watch it again: cloudtasker groups watch {group_id}",
        exit_code=Exit.INTERRUPTED,
    )
