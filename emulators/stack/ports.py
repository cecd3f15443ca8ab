"""Choose ports on 127.0.0.1: a default may move, loudly; one that the user asked for never does."""

import contextlib
import errno
import socket
import sys
from collections.abc import Callable

from emulators.stack.errors import StackError

HOST = "127.0.0.1"
# Outgoing connections take ports from 32768 up: a server there may find its port held by one.
EPHEMERAL_FROM = 32768
_TRIES = 200


class Ports:
    """Hands out ports, holds each one open until its server is about to start, and claims it.

    A held port is listening, so that nobody else takes it. The claim lasts as long as this object:
    it keeps other runs away while a server is between our release and its own bind.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._held: dict[int, socket.socket] = {}
        self._claims: list[socket.socket] = []

    def pick(self, what: str, default: int, *, asked: int | None = None, flag: str = "") -> int:
        """A port for `what`, held until `release`.

        Raises:
            StackError: CT102, `asked` is taken, or nothing near the default is free.
        """
        listener = self.listen(what, default, asked=asked, flag=flag)
        port: int = listener.getsockname()[1]
        self._held[port] = listener
        return port

    def listen(
        self, what: str, default: int, *, asked: int | None = None, flag: str = ""
    ) -> socket.socket:
        """A listening socket for `what` that the caller keeps; same rules as `pick`."""
        if asked is not None:
            try:
                return self._open(asked)
            except OSError as error:
                raise _refused(asked, flag, error) from error
        listener = self.listen_quietly(default)
        port = listener.getsockname()[1]
        if port != default:
            by = holder(default)
            self._note(f"note: {default} is in use by {by}; {what} is on {port} instead.")
        return listener

    def listen_quietly(self, first: int) -> socket.socket:
        """A listening socket on the first free port from `first` up."""
        for port in _candidates(first):
            with contextlib.suppress(OSError):
                return self._open(port)
        raise StackError(
            "CT102",
            f"No port is free between {first} and {first + _TRIES}.",
            "Nothing was started.",
            fix="stop some of the programs that listen there.",
        )

    def release(self, port: int) -> None:
        """Let go of a held port, for the server that binds it next."""
        if listener := self._held.pop(port, None):
            listener.close()

    def release_all(self) -> None:
        """Let go of every port still held, and of all claims."""
        for port in list(self._held):
            self.release(port)
        for claim in self._claims:
            claim.close()
        self._claims.clear()

    def _open(self, port: int) -> socket.socket:
        claim = _claim(port)
        try:
            listener = _listen(port)
        except OSError:
            claim.close()
            raise
        self._claims.append(claim)
        return listener


def _candidates(default: int) -> range:
    top = default + _TRIES
    return range(default, top if default >= EPHEMERAL_FROM else min(top, EPHEMERAL_FROM))


def _claim(port: int) -> socket.socket:
    """Claim a port among the runs on this machine: a name that the kernel frees with its holder.

    Raises:
        OSError: another run has it.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if sys.platform == "linux":  # elsewhere sockets have no names outside the file system
        try:
            claim.bind(f"\0cloudtasker-port-{port}")
        except OSError:
            claim.close()
            raise
    return claim


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Connections of the last run in TIME_WAIT must not make the port look taken.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _refused(port: int, flag: str, error: OSError) -> StackError:
    if error.errno == errno.EACCES:
        return StackError(
            "CT102",
            f"Port {port} may be opened by root only.",
            f"You asked for it with {flag}, so it was not moved. Nothing was started.",
            fix=f"cloudtasker dev {flag} {port + 8000}",
        )
    return StackError(
        "CT102",
        f"Port {port} is in use by {holder(port)}.",
        f"You asked for it with {flag}, so it was not moved. Nothing was started.",
        fix=f"cloudtasker dev {flag} {port + 1}, or stop that program.",
    )


def holder(port: int) -> str:
    """Who listens on `port`, as `"python" (pid 4121)`; another user's program may stay unnamed."""
    import psutil  # here: 20 ms that only a conflict needs

    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.pid and connection.laddr and connection.laddr.port == port:
                return f'"{psutil.Process(connection.pid).name()}" (pid {connection.pid})'
    return "another program"
