"""`cloudtasker dlq redrive` and `discard`: what becomes of dead tasks."""

from typing import Unpack

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.bulk import bulk_options, run_bulk
from shared.cli.bulk_filter import BulkWords, asked_of, filter_options
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup


@click.command()
@click.argument("task_ids", metavar="[ID]...", nargs=-1)
@filter_options
@bulk_options
@url_option
@output_options("table", "json")
@click.pass_obj
def redrive(
    setup: Setup,
    task_ids: tuple[str, ...],
    url: str | None,
    output: Output,
    **words: Unpack[BulkWords],
) -> None:
    """Put dead tasks back to work: named ones, a group, or all that the conditions fit.

    Counts first and asks. Ctrl-C ends the watching, not the work. Exit code 7: not every task was
    redriven. `tasks retry` does it for one task, also with another payload.

    \b
    Examples:
    $ cloudtasker dlq redrive --group 3f2a91c0d4e5 --rate 20
    $ cloudtasker dlq redrive --type send_email --dry-run
    $ cloudtasker dlq redrive --all --yes
    """
    run_bulk(setup, url, output, asked_of("redrive", task_ids, words))


@click.command()
@click.argument("task_ids", metavar="[ID]...", nargs=-1)
@filter_options
@bulk_options
@click.option("--raw", "message_ids", multiple=True, metavar="MESSAGE", help="Raw deliveries.")
@url_option
@output_options("table", "json")
@click.pass_obj
def discard(
    setup: Setup,
    task_ids: tuple[str, ...],
    message_ids: tuple[str, ...],
    url: str | None,
    output: Output,
    **words: Unpack[BulkWords],
) -> None:
    """Take dead tasks off the desk: they become cancelled, and keep their error.

    \b
    Examples:
    $ cloudtasker dlq discard --group 3f2a91c0d4e5
    $ cloudtasker dlq discard --raw 17462836251
    """
    if message_ids:
        _discard_raw(setup, url, message_ids, output)
        return
    run_bulk(setup, url, output, asked_of("discard", task_ids, words))


def _discard_raw(
    setup: Setup, url: str | None, message_ids: tuple[str, ...], output: Output
) -> None:
    async def work() -> int:
        async with connect(setup, url) as client:
            return await client.discard_raw(message_ids)

    gone = run(work())
    if output.is_table:
        output.note(f"{gone} of {len(message_ids)} raw deliveries are gone.")
    else:
        output.document({"discarded": gone})
