"""The checks of `cloudtasker doctor` on credentials: whether they lead where they seem to."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from shared.cli.checkup import Check
from shared.cli.setup import Setup
from shared.cli.stack_state import StackState
from shared.client import LOOPBACK, ApiError, Client, TaskRequest
from shared.settings import Settings

NAME: Final = "api key"
MAKE: Final = "`cloudtasker keys create`, where the database is, and set CLOUDTASKER_API_KEY"
Ask = Callable[[Client], Awaitable[object]]


async def _read(client: Client) -> object:
    return await client.queues()


async def _enqueue(client: Client) -> object:
    """A body that is refused for what it says once the key is not: nothing is stored."""
    return await client.enqueue(TaskRequest(task_type="", payload={}))


async def _manage(client: Client) -> object:
    async for line in client.audit():
        return line
    return None


_SCOPES: Final[Mapping[str, Ask]] = {"read": _read, "enqueue": _enqueue, "manage": _manage}
"""A call that each scope allows, and that changes nothing."""


def elsewhere(url: str, state: StackState | None, said: Settings) -> list[Check]:
    """Settings that lead somewhere else than the API at `url`."""
    checks = []
    if said.pubsub_emulator_host and not _is_here(url):
        found = f"PUBSUB_EMULATOR_HOST is {said.pubsub_emulator_host}, the API is {url}"
        fix = "unset it: what publishes from here would not reach that API's functions"
        checks.append(Check("emulator variable", "warn", found, fix))
    if state and said.database_url and _place(said.database_url) != _place(state.postgres):
        found = (
            f"CLOUDTASKER_DATABASE_URL leads to {_place(said.database_url)}, the stack's database "
            f"is {_place(state.postgres)}"
        )
        fix = "unset it: `keys` and `migrate` would work on the other one"
        checks.append(Check("database of the settings", "warn", found, fix))
    return checks


async def api_key(setup: Setup, url: str, key: str) -> Check:
    """What the API at `url` lets a caller with `key` do; it is not sent in clear.

    Raises: ServiceUnreachable.
    """
    if not await _wants_key(setup, url):
        return _open(url, key)
    if not key:
        return Check(NAME, "fail", f"{url} wants a key, and none is set", MAKE)
    if not sent_key(url, key):
        said = f"CLOUDTASKER_API_KEY would go to {url} in clear; it was not sent"
        return Check(NAME, "fail", said, "call the API by https")
    return await _with_key(setup, url, key)


async def _with_key(setup: Setup, url: str, key: str) -> Check:
    may: list[str] = []
    may_not: list[str] = []
    async with Client(url, api_key=key, transport=setup.transport) as client:
        for scope, ask in _SCOPES.items():
            status = await _refused(client, ask)
            if status == 401:
                said = f"{url} refuses this key: it is revoked, over, or of another deployment"
                return Check(NAME, "fail", said, MAKE)
            (may_not if status == 403 else may).append(scope)
    if not may_not:
        return Check(NAME, "ok", f"{url}: it may {', '.join(may)}")
    said = f"{url}: it may {', '.join(may) or 'nothing'}, not {', '.join(may_not)}"
    scopes = " ".join(f"--scope {one}" for one in may_not)
    fix = f"well if it is meant so; else `cloudtasker keys create {scopes}`"
    return Check(NAME, "warn" if may else "fail", said, fix)


async def _wants_key(setup: Setup, url: str) -> bool:
    async with Client(url, transport=setup.transport) as client:
        return await _refused(client, _read) in (401, 403)


async def _refused(client: Client, ask: Ask) -> int:
    """The status of the refusal; 0 when there was none."""
    try:
        await ask(client)
    except ApiError as refused:
        return refused.status
    return 0


def _open(url: str, key: str) -> Check:
    if not _is_here(url):
        said = f"{url} asks for no key: whoever reaches it may enqueue, cancel and read"
        return Check(NAME, "warn", said, "set CLOUDTASKER_AUTH=keys or google where it runs")
    return Check(NAME, "ok", f"{url} asks for none" + (", the one set is not used" if key else ""))


def sent_key(url: str, key: str) -> str:
    """The key that may be sent to `url`: none in clear to another machine."""
    return key if _is_here(url) or urlsplit(url).scheme == "https" else ""


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK


def _place(url: str) -> str:
    """`host:port/name`, never the password."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}:{parts.port or 5432}{parts.path}"
