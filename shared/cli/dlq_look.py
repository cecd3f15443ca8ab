"""`cloudtasker dlq groups` and `list`: what died, and of what."""

import rich_click as click
from rich.text import Text

from shared.cli.api import connect, run, url_option
from shared.cli.listing import Listing
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.cli.task_view import error_line
from shared.cli.words import age, plain
from shared.client import Client
from shared.client.desk_shapes import DeadTask, ErrorGroups, RawDelivery


@click.command()
@click.option("--type", "task_type", metavar="TYPE", help="Only tasks of this type.")
@url_option
@output_options("table", "json", "jsonl")
@click.pass_obj
def groups(setup: Setup, task_type: str | None, url: str | None, output: Output) -> None:
    """Group dead tasks whose errors differ in ids, numbers and quoted texts only.

    Looks at the 1,000 newest dead tasks. A group keeps its id.

    \b
    Example:
    $ cloudtasker dlq groups --type send_email
    """

    async def work() -> ErrorGroups:
        async with connect(setup, url) as client:
            return await client.error_groups(task_type)

    found = run(work())
    if not output.is_table:
        output.documents(found["groups"], "groups")
    elif found["groups"]:
        output.draw(_group_table(found, setup))
    looked = f"{found['looked_at']:,}"
    if found["looked_at"] == found["limit"]:
        output.note(f"Grouped over the newest {looked} dead tasks; there are more.")
    elif found["groups"]:
        output.note(f"Grouped over all {looked} dead tasks.")
    else:
        output.note("No task is dead.")


@click.command("list")
@click.option("--group", metavar="GROUP", help="Only tasks of this group, as `groups` shows it.")
@click.option("--type", "task_type", metavar="TYPE", help="Only tasks of this type.")
@click.option("--raw", is_flag=True, help="Deliveries that could not be understood instead.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, metavar="N")
@url_option
@output_options("table", "json", "jsonl")
@click.pass_obj
def list_dead(
    setup: Setup,
    group: str | None,
    task_type: str | None,
    raw: bool,
    limit: int,
    url: str | None,
    output: Output,
) -> None:
    """List dead tasks, newest first, or what was kept raw.

    \b
    Examples:
    $ cloudtasker dlq list --group 3f2a91c0d4e5
    $ cloudtasker dlq list --raw -o jsonl
    """
    if raw:
        _show_raw(run(_raw(setup, url, limit)), setup, output)
        return
    tasks = run(_dead(setup, url, group, task_type, limit))
    if not output.is_table:
        output.documents(tasks, "tasks")
    elif tasks:
        output.draw(_dead_table(tasks, setup))
    if not tasks:
        output.note("No dead task fits.")
    elif len(tasks) == limit:
        output.note(f"The newest {limit}; there may be more: --limit shows them.")


async def _dead(
    setup: Setup, url: str | None, group: str | None, task_type: str | None, limit: int
) -> list[DeadTask]:
    async with connect(setup, url) as client:
        if group is not None:
            return (await client.group_members(group, task_type))[:limit]
        return (await client.dead_tasks(task_type))[:limit]


async def _raw(setup: Setup, url: str | None, limit: int) -> list[RawDelivery]:
    async with connect(setup, url) as client:
        return await _first(client, limit)


async def _first(client: Client, limit: int) -> list[RawDelivery]:
    found: list[RawDelivery] = []
    async for one in client.raw_deliveries():
        found.append(one)
        if len(found) == limit:
            break
    return found


def _group_table(found: ErrorGroups, setup: Setup) -> Listing:
    table = Listing("GROUP", "COUNT", "TYPE", "FIRST", "LAST", "ERROR", cut_last=True)
    for one in found["groups"]:
        table.add_row(
            one["group"],
            f"{one['count']:,}",
            plain(one["task_type"]),
            age(one["first_seen_at"], setup.now()),
            age(one["last_seen_at"], setup.now()),
            Text(plain(f"{one['kind']}: {one['message']}"), style="red"),
        )
    return table


def _dead_table(tasks: list[DeadTask], setup: Setup) -> Listing:
    table = Listing("ID", "TYPE", "DIED", "GROUP", "ERROR", cut_last=True)
    for task in tasks:
        table.add_row(
            task["task_id"],
            plain(task["task_type"]),
            age(task["died_at"], setup.now()),
            task["group"],
            Text(error_line(task["error"]), style="red"),
        )
    return table


def _show_raw(found: list[RawDelivery], setup: Setup, output: Output) -> None:
    if not output.is_table:
        output.documents(found, "deliveries")
    elif found:
        table = Listing("MESSAGE", "RECEIVED", "SUBSCRIPTION", "REASON", cut_last=True)
        for one in found:
            table.add_row(
                plain(one["message_id"]),
                age(one["received_at"], setup.now()),
                plain(one["subscription"].rpartition("/")[2]),
                plain(one["reason"]),
            )
        output.draw(table)
    if not found:
        output.note("Every delivery was understood.")
