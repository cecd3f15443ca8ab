"""How commands reach the REST API: which one, and what a refusal of it means here."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import rich_click as click

from shared.cli.errors import CliError, Exit
from shared.cli.setup import Setup
from shared.cli.stack_state import read_stack_state, settings
from shared.client import (
    LOOPBACK,
    ApiError,
    Client,
    Clock,
    ServiceUnreachable,
    WaitTimedOut,
)
from shared.domain.errors import Code

T = TypeVar("T")

_REFUSALS: Final[Mapping[str, tuple[str, Exit]]] = {
    Code.INVALID: ("CT301", Exit.USAGE),
    Code.UNKNOWN_TASK_TYPE: ("CT302", Exit.NOT_FOUND),
    Code.NOT_FOUND: ("CT303", Exit.NOT_FOUND),
    Code.IDEMPOTENCY_CONFLICT: ("CT304", Exit.CONFLICT),
    Code.TOO_LARGE: ("CT305", Exit.USAGE),
    Code.WRONG_STATE: ("CT404", Exit.CONFLICT),
    Code.ALREADY_EXISTS: ("CT313", Exit.CONFLICT),
    Code.UNAUTHENTICATED: ("CT601", Exit.UNAUTHENTICATED),
    Code.FORBIDDEN: ("CT602", Exit.UNAUTHENTICATED),
}
_FIXES: Final[Mapping[str, str]] = {
    "CT301": "correct what is named above, and try again.",
    "CT302": "`cloudtasker task-types` lists those that there are.",
    "CT303": "`cloudtasker tasks list` shows the newest tasks with their ids.",
    "CT304": "use a new --idempotency-key, or send the same payload.",
    "CT305": "send a smaller payload, or where the data is instead of the data.",
    "CT313": "choose another name, or delete what has this one.",
    "CT404": "`cloudtasker tasks get` shows where it stands.",
    "CT502": "try again; `cloudtasker status` shows which part is not ready.",
    "CT601": "set CLOUDTASKER_API_KEY; `cloudtasker keys create` makes one, where the database is.",
    "CT602": "use a key with that scope; `cloudtasker keys create --scope` makes one.",
}

_OTHER_KEY: Final = (
    "the key of CLOUDTASKER_API_KEY does not count there: it is not known, revoked or over; "
    "`cloudtasker doctor` looks closer, `cloudtasker keys create` makes one, where the database is."
)


def url_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--url`: another service than the one that runs here."""
    return click.option(
        "--url",
        callback=_checked_url,
        metavar="URL",
        help="Address of the REST API.  [default: the stack that runs in this folder]",
    )(command)


def connect(setup: Setup, url: str | None) -> Client:
    """A client of `url`, or of the local stack.

    Raises: CliError CT503 when there is neither.
    """
    address = url or read_stack_state().rest
    return Client(
        address,
        api_key=settings().api_key,
        transport=setup.transport,
        clock=setup.wait_clock or Clock(),
    )


def run(work: Coroutine[Any, Any, T], fixes: Mapping[str, str] = MappingProxyType({})) -> T:
    """Run `work`; what goes wrong with the API becomes a CliError.

    `fixes` are what to do, by the API's code, where it is not what one does about a task.
    """
    try:
        return asyncio.run(work)
    except ApiError as refused:
        raise refusal(refused, fix=fixes.get(refused.code, "")) from refused
    except ServiceUnreachable as away:
        raise unanswered(away) from away
    except WaitTimedOut as late:
        raise CliError(
            "CT504",
            f"{_sentence(str(late))}.",
            "It goes on by itself.",
            fix=f"look again: cloudtasker tasks get {late.task['task_id']}",
            exit_code=Exit.TIMED_OUT,
        ) from late


def unanswered(away: ServiceUnreachable, *facts: str) -> CliError:
    """CT501: the API did not answer."""
    here = urlsplit(away.url).hostname in LOOPBACK
    return CliError(
        "CT501",
        f"The REST API at {away.url} {away.reason}.",
        *facts,
        fix=(
            "`cloudtasker status` shows what runs; `cloudtasker dev` starts it."
            if here
            else "check the address and the network; without --url the local stack is asked."
        ),
        exit_code=Exit.UNREACHABLE,
    )


def refusal(refused: ApiError, *facts: str, fix: str = "", what: str = "") -> CliError:
    """What the API's refusal means here; `fix` and `what` replace the general texts."""
    code, exit_code = _REFUSALS.get(refused.code, _other(refused.status))
    message = what or _sentence(refused.detail)
    return CliError(code, message, *facts, fix=fix or _fix_of(refused, code), exit_code=exit_code)


def _fix_of(refused: ApiError, code: str) -> str:
    if refused.code == Code.MISCONFIGURED:
        return "that log names the file or the setting; `cloudtasker dev` prints it as it comes."
    if refused.code == Code.UNAUTHENTICATED and settings().api_key:
        return _OTHER_KEY
    return _look_at(refused.holder) + _FIXES.get(code, "correct the request, and try again.")


def _look_at(holder: Mapping[str, str]) -> str:
    """The command that shows what has the idempotency key."""
    for name, command in (("task_id", "tasks get"), ("group_id", "groups get")):
        if name in holder:
            return f"`cloudtasker {command} {holder[name]}` shows what has the key; "
    return ""


def _sentence(text: str) -> str:
    """Errors of the service begin in lower case; a line of ours does not."""
    return text[:1].upper() + text[1:]


def _other(status: int) -> tuple[str, Exit]:
    """A status says enough where the code is none that a caller can do something about."""
    if status >= 500:
        return "CT502", Exit.UNREACHABLE
    if status in (401, 403):
        return "CT601", Exit.UNAUTHENTICATED
    if status == 404:
        return "CT306", Exit.NOT_FOUND
    return "CT306", Exit.USAGE


def _checked_url(context: click.Context, option: click.Parameter, url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise click.BadParameter(f"{url!r} is not of the form http://host:port", context, option)
    return url
