"""`cloudtasker migrate`: bring the database's schema to what this code needs."""

from urllib.parse import urlsplit

import rich_click as click

from shared.cli.errors import CliError, Exit
from shared.cli.output import Output, output_options
from shared.cli.stack_state import read_stack_state, settings


@click.command()
@output_options("table", "json")
def migrate(output: Output) -> None:
    """Apply the migrations that the database lacks. Safe to repeat, and to run twice at once.

    The database is CLOUDTASKER_DATABASE_URL, else that of the stack that runs in this folder.

    \b
    Example:
    $ export CLOUDTASKER_DATABASE_URL=postgresql+pg8000://me@localhost/tasks
    $ cloudtasker migrate
    """
    applied = _migrate(settings().database_url or read_stack_state().postgres)
    if not output.is_table:
        output.document({"applied": applied})
    elif applied:
        click.echo("\n".join(f"applied {revision}" for revision in applied))
    else:
        output.note("Nothing to do: the schema is up to date.")


def _migrate(url: str) -> list[str]:
    from pg8000.exceptions import DatabaseError, InterfaceError

    from shared.migrations.migrate import migrate as apply

    try:
        return apply(url)
    except (OSError, DatabaseError, InterfaceError) as failure:
        raise CliError(
            "CT505",
            # Never the whole URL: it may hold a password.
            f"The database at {urlsplit(url).hostname} could not be migrated: {failure}",
            "A migration is applied whole or not at all.",
            fix="check CLOUDTASKER_DATABASE_URL, and that Postgres answers.",
            exit_code=Exit.UNREACHABLE,
        ) from failure
