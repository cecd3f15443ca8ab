"""The checks of `cloudtasker doctor` on ports: who holds each one that we need."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from shared.cli.checkup import Check
from shared.cli.stack_state import StackState
from shared.client import LOOPBACK

DEFAULTS: Final[Mapping[str, int]] = {"rest": 5000, "grpc": 50051, "pubsub": 8085, "mail": 8025}
"""What a stack takes when it is free (DESIGN, defaults); it moves from a port that is not."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The program that listens; without a pid it is one that this user may not see."""

    pid: int | None = None
    name: str = ""
    family: frozenset[int] = frozenset()
    """Its pid and those of its ancestors."""

    def __str__(self) -> str:
        if self.pid is None:
            return "a program that only its own user and root may see"
        return f'"{self.name}" (pid {self.pid})'


class CannotSee(Exception):
    """Nobody tells who listens; the message says why, `fix` what helps."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.fix = fix


Look = Callable[[], Mapping[int, Owner]]


def listeners() -> dict[int, Owner]:
    """Who listens on each TCP port of this machine.

    Raises: CannotSee.
    """
    try:
        import psutil
    except ImportError:
        fix = "pip install 'cloudtasker[local]'"
        raise CannotSee("psutil is not installed", fix) from None
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        raise CannotSee("this system tells it to root only", "sudo cloudtasker doctor") from None
    found: dict[int, Owner] = {}
    for one in connections:
        if one.status == psutil.CONN_LISTEN and one.laddr:
            found.setdefault(one.laddr.port, _owner(one.pid))
    return found


def _owner(pid: int | None) -> Owner:
    import psutil

    if pid is None:
        return Owner()
    try:
        process = psutil.Process(pid)
        family = frozenset({pid, *(parent.pid for parent in process.parents())})
        return Owner(pid, process.name(), family)
    except psutil.Error:  # it ended meanwhile, or may not be seen
        return Owner(pid, "?", frozenset({pid}))


def ports(
    state: StackState | None, look: Look = listeners, defaults: Mapping[str, int] = DEFAULTS
) -> list[Check]:
    """A check for each port: of the stack that runs, else of those that one would take."""
    try:
        found = look()
    except CannotSee as blind:
        said = f"who holds which port cannot be told: {blind}"
        return [Check("ports", "warn", said, blind.fix)]
    if state is None:
        return [_free(what, port, found.get(port)) for what, port in defaults.items()]
    pids = frozenset(state.pids.values())
    return [_held(what, port, found.get(port), pids) for what, port in _of_stack(state)]


def _free(what: str, port: int, owner: Owner | None) -> Check:
    name = f"port {port}"
    if owner is None:
        return Check(name, "ok", f"free, for {what}")
    said = f"held by {owner}: {what} of a stack that starts here would move"
    return Check(name, "warn", said, "stop that program, or let it be: the address is told")


def _held(what: str, port: int, owner: Owner | None, stack: frozenset[int]) -> Check:
    name = f"port {port}"
    if owner is None:
        return Check(name, "fail", f"nobody listens for {what}", "see `cloudtasker status`")
    if owner.pid is None:
        return Check(name, "warn", f"{what}: held by {owner}", "run doctor as the stack's user")
    if owner.family & stack:
        return Check(name, "ok", f"{what}: {owner}")
    said = f"{what} of the stack should be there, and {owner} is"
    return Check(name, "fail", said, "stop that program, and start the stack again")


def _of_stack(state: StackState) -> Iterable[tuple[str, int]]:
    """The ports of this machine that the state file names; a server elsewhere has its own."""
    addresses = {
        "rest": state.rest,
        "grpc": f"//{state.grpc}",
        "pubsub": f"//{state.pubsub}",
        "mail": state.mail,
        "postgres": state.postgres,
        "redis": state.redis,
        **state.functions,
    }
    ours = {name: urlsplit(address) for name, address in addresses.items() if address}
    seen: set[int] = set()
    for name, parts in ours.items():
        own = name not in ("postgres", "redis") or name in state.pids
        if own and parts.hostname in LOOPBACK and parts.port and parts.port not in seen:
            seen.add(parts.port)
            yield name, parts.port
