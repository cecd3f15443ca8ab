"""The group `cloudtasker groups`: tasks that belong together, and what follows them."""

import rich_click as click

from shared.cli.group import LazyGroup


@click.group(
    cls=LazyGroup,
    lazy={
        "start": "shared.cli.groups_commands:start",
        "get": "shared.cli.groups_commands:get",
        "watch": "shared.cli.groups_watch:watch",
        "wait": "shared.cli.groups_commands:wait",
    },
)
def groups() -> None:
    """Start tasks as a group, and see when all of them have ended.

    \b
    Example:
    $ cloudtasker groups start --file group.json
    """
