"""The group `cloudtasker keys`: who may call an API whose CLOUDTASKER_AUTH is `keys`.

It works on the database itself, so it needs no key.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import rich_click as click

from shared.cli.errors import CliError, Exit
from shared.cli.output import Output, output_options
from shared.cli.setup import Setup
from shared.cli.stack_state import read_stack_state, settings
from shared.cli.words import period_of
from shared.domain.api_key import (
    ID_BYTES,
    MAX_NAME,
    SECRET_BYTES,
    ApiKey,
    Scope,
    digest_of,
    token_of,
)
from shared.domain.errors import LedgerUnavailable

if TYPE_CHECKING:
    from shared.adapters.pg_keys import PostgresKeys

T = TypeVar("T")
_COLUMNS: Final = ("ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED", "STATE")


class Period(click.ParamType[timedelta]):
    """A period: `30m`, `12h`, `90d`."""

    name = "period"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The period."""
        try:
            return period_of(str(value))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no period; say 30m, 12h or 90d", param, ctx)


@click.group()
def keys() -> None:
    """Create, list and revoke API keys, for services with CLOUDTASKER_AUTH=keys.

    The database is CLOUDTASKER_DATABASE_URL, else that of the stack that runs in this folder.

    \b
    Example:
    $ cloudtasker keys create --name backend --scope enqueue --scope read
    """


@keys.command()
@click.option("--name", required=True, metavar="NAME", help="Who will use it, for the listing.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    required=True,
    help="What it allows; may be repeated.",
)
@click.option("--expires-in", type=Period(), help="When it ends: 30m, 12h, 90d.  [default: never]")
@output_options("table", "json")
@click.pass_obj
def create(
    setup: Setup, name: str, scopes: tuple[str, ...], expires_in: timedelta | None, output: Output
) -> None:
    """Create a key and print it, once: only its hash is kept.

    \b
    Example:
    $ export CLOUDTASKER_API_KEY=$(cloudtasker keys create --name ci --scope enqueue -q)
    """
    if not 1 <= len(name) <= MAX_NAME:
        raise click.BadParameter(f"a name has 1 to {MAX_NAME} characters", param_hint="--name")
    now = setup.now()
    key_id, secret, token = token_of(secrets.token_bytes(ID_BYTES + SECRET_BYTES))
    expires_at = now + expires_in if expires_in else None
    allowed = frozenset(map(Scope, scopes))
    key = ApiKey(key_id, name, allowed, digest_of(secret), now, expires_at)
    _on_the_database(lambda store: store.add(key))
    if not output.is_table:
        output.document({"key": token, **_shown(key)})
        return
    click.echo(token)
    output.note("Keep it now: it cannot be shown again.")


@keys.command("list")
@output_options("table", "json")
@click.pass_obj
def list_keys(setup: Setup, output: Output) -> None:
    """List the keys, without their secrets.

    \b
    Example:
    $ cloudtasker keys list
    """
    found = _on_the_database(lambda store: store.all())
    if not output.is_table:
        output.documents(map(_shown, found), "keys")
        return
    from shared.cli.listing import Listing

    table = Listing(*_COLUMNS)
    for key in found:
        table.add_row(*_row(key, setup.now()))
    output.draw(table)


@keys.command()
@click.argument("key_id", metavar="ID")
@output_options("table", "json")
def revoke(key_id: str, output: Output) -> None:
    """Revoke the key ID: within 5 seconds nobody is let in with it. Safe to repeat.

    \b
    Example:
    $ cloudtasker keys revoke 5f0c1b2a3d4e5f60
    """
    key = _on_the_database(lambda store: store.revoke(key_id))
    if key is None:
        raise CliError(
            "CT303",
            f"There is no key {key_id}.",
            "Nothing was changed.",
            fix="`cloudtasker keys list` shows the ids.",
            exit_code=Exit.NOT_FOUND,
        )
    if output.is_table:
        output.note(f"Key {key.id} ({key.name}) is revoked.")
    else:
        output.document(_shown(key))


def _on_the_database(work: "Callable[[PostgresKeys], Awaitable[T]]") -> T:
    from pg8000.exceptions import DatabaseError, InterfaceError

    from shared.adapters.pg_keys import PostgresKeys

    url = settings().database_url or read_stack_state().postgres

    async def done() -> T:
        with closing(PostgresKeys(url)) as store:
            return await work(store)

    try:
        return asyncio.run(done())
    except (LedgerUnavailable, OSError, DatabaseError, InterfaceError) as failure:
        raise CliError(
            "CT507",
            # Never the whole URL: it may hold a password.
            f"The keys in the database at {urlsplit(url).hostname} cannot be used: {failure}",
            "Nothing was changed.",
            fix="check CLOUDTASKER_DATABASE_URL; `cloudtasker migrate` makes the table.",
            exit_code=Exit.UNREACHABLE,
        ) from failure


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at and key.expires_at.isoformat(),
        "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
        "last_used_at": key.last_used_at and key.last_used_at.isoformat(),
    }


def _row(key: ApiKey, now: datetime) -> tuple[str, ...]:
    from shared.cli.words import plain

    expired = key.expires_at is not None and now >= key.expires_at
    state = "revoked" if key.revoked_at else "expired" if expired else "valid"
    return (
        key.id,
        plain(key.name),
        ", ".join(sorted(key.scopes)),
        _day(key.created_at),
        _day(key.expires_at) or "never",
        _day(key.last_used_at) or "never",
        state,
    )


def _day(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else ""
