"""`cloudtasker audit`: who did what."""

import json

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.listing import Listing
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.cli.words import clock, plain
from shared.client.desk_shapes import AuditLine


@click.command()
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True,
              metavar="N", help="At most so many lines.")  # fmt: skip
@url_option
@output_options("table", "json", "jsonl")
@click.pass_obj
def audit(setup: Setup, limit: int, url: str | None, output: Output) -> None:
    """List who redrove, cancelled, discarded, paused, resumed and scheduled what, newest first.

    \b
    Example:
    $ cloudtasker audit --limit 100
    """

    async def work() -> list[AuditLine]:
        lines: list[AuditLine] = []
        async with connect(setup, url) as client:
            async for line in client.audit():
                lines.append(line)
                if len(lines) == limit:
                    break
        return lines

    lines = run(work())
    if not output.is_table:
        output.documents(lines, "lines")
    elif lines:
        table = Listing("WHEN", "WHO", "WHAT", "DETAIL")
        for line in lines:
            detail = json.dumps(line["detail"], ensure_ascii=False)
            table.add_row(clock(line["at"]), plain(line["actor"]), line["action"], plain(detail))
        output.draw(table)
    if not lines:
        output.note("Nobody has done anything that is audited.")
