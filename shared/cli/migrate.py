"""`cloudtasker migrate`: bring the database's schema to what this code needs."""

from urllib.parse import urlsplit

import rich_click as click

from shared.cli.errors import CliError, Exit
from shared.cli.output import Output, output_options
from shared.cli.stack_state import read_stack_state, settings


@click.command()
@click.option(
    "--grant",
    "users",
    multiple=True,
    metavar="USER",
    help="Let this user of the database read and write tasks; may be repeated.",
)
@output_options("table", "json")
def migrate(users: tuple[str, ...], output: Output) -> None:
    """Apply the migrations that the database lacks. Safe to repeat, and to run twice at once.

    The database is CLOUDTASKER_DATABASE_URL, else that of the stack that runs in this folder.
    With --grant its user must own the tables and may make roles.

    \b
    Example:
    $ export CLOUDTASKER_DATABASE_URL=postgresql+pg8000://me@localhost/tasks
    $ cloudtasker migrate
    """
    applied = _migrate(settings().database_url or read_stack_state().postgres, users)
    if not output.is_table:
        output.document({"applied": applied, "granted": list(users)})
    elif applied:
        click.echo("\n".join(f"applied {revision}" for revision in applied))
    else:
        output.note("Nothing to do: the schema is up to date.")


def _migrate(url: str, users: tuple[str, ...]) -> list[str]:
    from pg8000.exceptions import DatabaseError, InterfaceError

    from shared.migrations.grants import grant
    from shared.migrations.migrate import migrate as apply

    try:
        applied = apply(url)
        if users:
            grant(url, users)
        return applied
    except (OSError, DatabaseError, InterfaceError) as failure:
        raise CliError(
            "CT505",
            # Never the whole URL: it may hold a password.
            f"The database at {urlsplit(url).hostname} could not be migrated: {failure}",
            "A migration, and the grants together, are applied whole or not at all.",
            fix="check CLOUDTASKER_DATABASE_URL, that Postgres answers, and the users of --grant.",
            exit_code=Exit.UNREACHABLE,
        ) from failure
