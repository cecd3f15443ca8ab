"""The group `cloudtasker tasks`."""

import rich_click as click

from shared.cli.group import LazyGroup


@click.group(
    cls=LazyGroup,
    lazy={
        "enqueue": "shared.cli.tasks_enqueue:enqueue",
        "get": "shared.cli.tasks_get:get",
        "list": "shared.cli.tasks_list:list_tasks",
        "watch": "shared.cli.tasks_watch:watch",
        "retry": "shared.cli.tasks_retry:retry",
        "cancel": "shared.cli.tasks_cancel:cancel",
    },
)
def tasks() -> None:
    """Enqueue, look at, retry and cancel tasks.

    \b
    Example:
    $ cloudtasker tasks enqueue send_email --sample --wait
    """
