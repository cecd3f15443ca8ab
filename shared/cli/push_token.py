"""`cloudtasker token`: an OIDC token as Pub/Sub's push would carry it, from the local emulator."""

from difflib import get_close_matches
from urllib.parse import quote

import rich_click as click

from shared.cli.api import run
from shared.cli.errors import CliError, Exit
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.cli.stack_http import ask, unexpected
from shared.cli.stack_state import StackState, read_stack_state


@click.command()
@click.argument("function", metavar="FUNCTION")
@output_options("table", "json")
@click.pass_obj
def token(setup: Setup, function: str, output: Output) -> None:
    """Print a token that a local function accepts as Pub/Sub's.

    For deliveries of your own to the function's address, which `cloudtasker status` shows.

    \b
    Example:
    $ curl -H "Authorization: Bearer $(cloudtasker token send_email)" -d @envelope.json URL
    """
    state = read_stack_state()
    if not state.pubsub_http:
        raise _no_tokens(state)
    audience = state.functions.get(function)
    if audience is None:
        raise _unknown(function, sorted(state.functions))
    minted = run(_mint(setup, state, audience))
    if output.is_table:
        click.echo(minted)
    else:
        output.document({"token": minted})


async def _mint(setup: Setup, state: StackState, audience: str) -> str:
    account = quote(state.push_service_account, safe="@")
    url = f"{state.pubsub_http}/v1/projects/-/serviceAccounts/{account}:generateIdToken"
    body = {"audience": audience, "includeEmail": True}
    answer = await ask(setup, "Pub/Sub emulator", "POST", url, json=body)
    if not answer.is_success:
        raise unexpected("Pub/Sub emulator", answer)
    return str(answer.json()["token"])


def _no_tokens(state: StackState) -> CliError:
    return CliError(
        "CT506",
        f"The Pub/Sub emulator at {state.pubsub} is not ours and signs no tokens.",
        fix="start `cloudtasker dev` without PUBSUB_EMULATOR_HOST.",
        exit_code=Exit.FAILED,
    )


def _unknown(name: str, known: list[str]) -> CliError:
    near = get_close_matches(name, known, n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    return CliError(
        "CT303",
        f'No function "{name}" runs here.{hint}',
        fix=f"name one of: {', '.join(known) or 'none'}.",
        exit_code=Exit.NOT_FOUND,
    )
