"""`cloudtasker ops list`, `get`, `watch` and `stop`."""

import json
from collections.abc import Mapping
from typing import Final

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.bulk import decided, finish, summary, watch
from shared.cli.listing import Listing
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.cli.task_view import plain_grid
from shared.cli.words import age, clock, plain
from shared.client.desk_shapes import OperationItem, OperationJson
from shared.domain.errors import Code

_FIXES: Final[Mapping[str, str]] = {
    Code.NOT_FOUND: "`cloudtasker ops list` shows the newest with their ids."
}


@click.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, metavar="N")
@url_option
@output_options("table", "json", "jsonl")
@click.pass_obj
def list_operations(setup: Setup, limit: int, url: str | None, output: Output) -> None:
    """List bulk operations, newest first.

    \b
    Example:
    $ cloudtasker ops list --limit 5
    """

    async def work() -> list[OperationJson]:
        found: list[OperationJson] = []
        async with connect(setup, url) as client:
            async for one in client.operations():
                found.append(one)
                if len(found) == limit:
                    break
        return found

    found = run(work())
    if not output.is_table:
        output.documents(found, "operations")
    elif found:
        table = Listing("ID", "KIND", "STATE", "AGE", "TOTAL", "DONE", "WHO", "FILTER")
        for one in found:
            table.add_row(
                one["operation_id"],
                one["kind"],
                one["state"],
                age(one["created_at"], setup.now()).removesuffix(" ago"),
                f"{one['total']:,}",
                f"{decided(one):,}",
                plain(one["actor"]),
                plain(json.dumps(one["filter"], ensure_ascii=False)),
            )
        output.draw(table)
    if not found:
        output.note("There was no bulk operation yet.")


@click.command()
@click.argument("operation_id", metavar="ID")
@click.option("--items", is_flag=True, help="Add what became of each task.")
@url_option
@output_options("table", "json")
@click.pass_obj
def get(setup: Setup, operation_id: str, items: bool, url: str | None, output: Output) -> None:
    """Show one bulk operation; with --items each of its tasks.

    \b
    Example:
    $ cloudtasker ops get 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70 --items
    """

    async def work() -> tuple[OperationJson, list[OperationItem]]:
        async with connect(setup, url) as client:
            operation = await client.operation(operation_id)
            if not items:
                return operation, []
            return operation, [one async for one in client.operation_items(operation_id)]

    operation, each = run(work(), _FIXES)
    if not output.is_table:
        output.document({**operation, "items": each} if items else operation)
        return
    facts = plain_grid()
    facts.add_row("operation", operation["operation_id"])
    facts.add_row("kind", operation["kind"])
    facts.add_row("filter", plain(json.dumps(operation["filter"], ensure_ascii=False)))
    facts.add_row("asked by", plain(operation["actor"]))
    facts.add_row("created", clock(operation["created_at"]))
    facts.add_row("result", summary(operation))
    output.draw(facts)
    if each:
        output.draw(_item_table(each))


@click.command("watch")
@click.argument("operation_id", metavar="ID")
@url_option
@output_options("table", "json")
@click.pass_obj
def watch_operation(setup: Setup, operation_id: str, url: str | None, output: Output) -> None:
    """Watch a bulk operation to its end. Ctrl-C ends the watching, not the work.

    Exit code 7: not every task was changed.

    \b
    Example:
    $ cloudtasker ops watch 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70
    """

    async def work() -> OperationJson:
        async with connect(setup, url) as client:
            return await client.operation(operation_id)

    finish(watch(setup, url, run(work(), _FIXES), output), output)


@click.command()
@click.argument("operation_id", metavar="ID")
@url_option
@output_options("table", "json")
@click.pass_obj
def stop(setup: Setup, operation_id: str, url: str | None, output: Output) -> None:
    """Let a bulk operation take no more tasks; those that it has changed stay changed.

    \b
    Example:
    $ cloudtasker ops stop 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70
    """

    async def work() -> OperationJson:
        async with connect(setup, url) as client:
            return await client.stop_operation(operation_id)

    operation = run(work(), _FIXES)
    if output.is_table:
        output.note(summary(operation))
    else:
        output.document(operation)


def _item_table(items: list[OperationItem]) -> Listing:
    table = Listing("TASK", "OUTCOME", "REASON")
    for item in items:
        table.add_row(item["task_id"], item["outcome"] or "open", plain(item["reason"]))
    return table
