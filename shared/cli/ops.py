"""The group `cloudtasker ops`: bulk operations that the service works through."""

import rich_click as click

from shared.cli.group import LazyGroup


@click.group(
    cls=LazyGroup,
    lazy={
        "list": "shared.cli.ops_commands:list_operations",
        "get": "shared.cli.ops_commands:get",
        "watch": "shared.cli.ops_commands:watch_operation",
        "stop": "shared.cli.ops_commands:stop",
    },
)
def ops() -> None:
    """See, watch and stop bulk operations: redrive, cancel, discard.

    \b
    Example:
    $ cloudtasker ops watch 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70
    """
