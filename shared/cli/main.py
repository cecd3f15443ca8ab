"""The list of commands of `cloudtasker`, and nothing that one of them needs."""

import sys
from typing import Final

import rich_click as click

from shared.cli.group import Root
from shared.cli.setup import Setup

COMMANDS: Final = {
    "dev": "shared.cli.dev:dev",
    "status": "shared.cli.status:status",
    "tasks": "shared.cli.tasks:tasks",
    "dlq": "shared.cli.dlq:dlq",
    "ops": "shared.cli.ops:ops",
    "queues": "shared.cli.queues:queues",
    "audit": "shared.cli.audit:audit",
    "task-types": "shared.cli.task_types:task_types",
    "groups": "shared.cli.groups:groups",
    "schedules": "shared.cli.schedules:schedules",
    "republish": "shared.cli.republish:republish",
    "mail": "shared.cli.mail:mail",
    "token": "shared.cli.push_token:token",
    "doctor": "shared.cli.doctor:doctor",
    "keys": "shared.cli.keys:keys",
    "migrate": "shared.cli.migrate:migrate",
    "new-task": "shared.cli.new_task:new_task",
    "completion": "shared.cli.completion:completion",
}

CONTEXT: Final = {
    "help_option_names": ["-h", "--help"],
    "rich_help_config": {"padding_helptext_first_line": (0, 0, 1, 0)},
}


@click.group(cls=Root, lazy=COMMANDS, context_settings=CONTEXT)
@click.version_option(package_name="cloudtasker", message="cloudtasker %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """CloudTasker: a serverless task queue for Python teams on Google Cloud.

    \b
    First steps:
    $ cloudtasker dev                                        start everything
    $ cloudtasker tasks enqueue send_email --sample --wait   in another window
    $ cloudtasker mail                                       what was sent

    Exit codes: 0 ok, 1 the task or check failed, 2 usage, 3 not found, 4 conflict or wrong state,
    5 no answer from the service, 6 not authenticated, 7 a bulk operation did not change all,
    124 wait timed out, 130 interrupted.
    """
    context.obj = context.obj or Setup()


def run() -> None:
    """Run the command line with this process's arguments; `__main__` calls it."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a sign gets a question mark, never a stack trace.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    cli.main(prog_name="cloudtasker")
