"""The group `cloudtasker dlq`: the dead-letter desk."""

import rich_click as click

from shared.cli.group import LazyGroup


@click.group(
    cls=LazyGroup,
    lazy={
        "groups": "shared.cli.dlq_look:groups",
        "list": "shared.cli.dlq_look:list_dead",
        "redrive": "shared.cli.dlq_change:redrive",
        "discard": "shared.cli.dlq_change:discard",
    },
)
def dlq() -> None:
    """Look at dead tasks, put them back to work, or discard them.

    \b
    Example:
    $ cloudtasker dlq groups
    $ cloudtasker dlq redrive --group 3f2a91c0d4e5 --rate 20
    """
