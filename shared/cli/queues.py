"""The group `cloudtasker queues`: pause and resume task types."""

import rich_click as click

from shared.cli.group import LazyGroup


@click.group(
    cls=LazyGroup,
    lazy={
        "list": "shared.cli.queues_commands:list_queues",
        "pause": "shared.cli.queues_commands:pause",
        "drain": "shared.cli.queues_commands:drain",
        "resume": "shared.cli.queues_commands:resume",
    },
)
def queues() -> None:
    """Pause, drain and resume task types.

    A paused type begins no task. What comes for it is held, at no cost, until it is resumed.

    \b
    Example:
    $ cloudtasker queues pause send_email --reason "the mail server is down"
    """
