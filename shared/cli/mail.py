"""`cloudtasker mail`: the inbox of the local mail sink."""

from typing import Any
from urllib.parse import quote

import rich_click as click

from shared.cli.api import run
from shared.cli.errors import CliError, Exit
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.cli.stack_http import ask, unexpected
from shared.cli.stack_state import read_stack_state

PART = "mail sink"


@click.command()
@click.argument("mail_id", metavar="[ID]", required=False)
@click.option("--clear", is_flag=True, help="Empty the inbox.")
@output_options("table", "json", "jsonl")
@click.pass_obj
def mail(setup: Setup, mail_id: str | None, clear: bool, output: Output) -> None:
    """Show the e-mails that were sent on this machine, newest first; with ID, one of them.

    Nothing leaves the machine: the local stack's mail sink takes every e-mail.

    \b
    Examples:
    $ cloudtasker mail
    $ cloudtasker mail -o json
    $ cloudtasker mail --clear
    """
    if mail_id is not None and clear:
        raise click.UsageError("ID and --clear exclude each other.")
    inbox = f"{read_stack_state().mail}/messages"
    if clear:
        run(_request(setup, "DELETE", inbox))
        output.note("The inbox is empty.")
    elif mail_id is None:
        _show_list(run(_request(setup, "GET", inbox)), setup, output)
    else:
        _show_one(run(_request(setup, "GET", f"{inbox}/{quote(mail_id, safe='')}")), output)


async def _request(setup: Setup, method: str, url: str) -> Any:
    answer = await ask(setup, PART, method, url)
    if answer.status_code == 404:
        raise CliError(
            "CT303",
            f"No e-mail {url.rsplit('/', 1)[1]}.",
            fix="`cloudtasker mail` lists those that there are.",
            exit_code=Exit.NOT_FOUND,
        )
    if not answer.is_success:
        raise unexpected(PART, answer)
    return answer.json() if answer.content else None


def _show_list(mails: list[dict[str, Any]], setup: Setup, output: Output) -> None:
    if not output.is_table:
        output.documents(mails, "messages")
    elif mails:
        from shared.cli.mail_view import inbox_table

        output.draw(inbox_table(mails, setup.now()))
    else:
        output.note("The inbox is empty.")


def _show_one(mail: dict[str, Any], output: Output) -> None:
    if output.is_table:
        from shared.cli.mail_view import mail_details

        output.draw(mail_details(mail))
    else:
        output.document(mail)
