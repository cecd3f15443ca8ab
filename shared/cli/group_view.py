"""How a group of tasks is shown."""

from collections.abc import Mapping
from typing import Final

from shared.cli.output import Output
from shared.client import GroupJson
from shared.domain.errors import Code

FIXES: Final[Mapping[str, str]] = {
    Code.NOT_FOUND: "`cloudtasker groups start` printed its id, `tasks get` of a member shows it."
}


def show_group(group: GroupJson, output: Output) -> None:
    """Print how a group stands, on stdout."""
    if not output.is_table:
        output.document(group)
        return
    from shared.cli.task_view import plain_grid
    from shared.cli.words import clock

    facts = plain_grid()
    facts.add_row("group", group["group_id"])
    facts.add_row("state", group["state"])
    facts.add_row(
        "tasks", f"{group['total']:,}: {group['succeeded']:,} succeeded, {group['failed']:,} failed"
    )
    facts.add_row("created", clock(group["created_at"]))
    if group["finished_at"]:
        facts.add_row("ended", clock(group["finished_at"]))
    for name, task_id in group["follow_ups"].items():
        comes = group["state"] in ("running", "succeeded" if name == "then" else "failed")
        facts.add_row(name, task_id if comes else "not made: the group ended otherwise")
    output.draw(facts)
