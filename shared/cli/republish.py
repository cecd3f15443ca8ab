"""`cloudtasker republish`: send a type's backlog again, after its subscription was purged."""

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.output import Output, output_options
from shared.cli.params import Period
from shared.cli.setup import Setup


@click.command()
@click.option("--type", "task_type", required=True, metavar="TYPE", help="Of which task type.")
@click.option(
    "--older-than",
    type=Period(),
    required=True,
    help="Only tasks whose message was sent so long ago: 0, 15m, 12h, 7d.",
)
@url_option
@output_options("table", "json")
@click.pass_obj
def republish(
    setup: Setup, task_type: str, older_than: float, url: str | None, output: Output
) -> None:
    """Send the messages of queued tasks again, spread over a minute.

    For after a purge, a seek or a lost subscription: the relay itself takes a confirmed message for
    one that will come, until Pub/Sub's retention of 7 days is over. A message that was not lost is
    then there twice; the second is acked without a run.

    \b
    Example:
    $ cloudtasker republish --type send_email --older-than 15m
    """

    async def work() -> int:
        async with connect(setup, url) as client:
            return await client.republish(task_type, older_than)

    count = run(work())
    if output.is_table:
        output.note(f"{count} {'task is' if count == 1 else 'tasks are'} sent again.")
    else:
        output.document({"task_type": task_type, "republished": count})
