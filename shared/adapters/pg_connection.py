"""One connection to Postgres for a thread of our own, from the URL that SQLAlchemy takes too.

Without SQLAlchemy, so that a task function starts without paying for its import.
"""

import select
import socket
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import pg8000.native
from pg8000.converters import TIMESTAMPTZ, timestamptz_in

from shared.adapters.cloud_sql import NativeConnection, is_cloud_sql
from shared.adapters.cloud_sql import connect as cloud_sql_connection
from shared.domain.errors import Misconfigured

REVISION: Final = "0004"
"""The schema that this code needs; `cloudtasker migrate` makes it."""
ANSWER_TIMEOUT_SECONDS: Final = 5
"""A server that says nothing for this long is taken for gone: what was asked is then "maybe"."""
_PLANNING: Final = {"enable_seqscan": "off", "enable_mergejoin": "off"}
"""No statement reads a whole table, in its own order or in an index's: a plan is kept for longer
than the table keeps its size."""
RETRYABLE: Final = frozenset({"40001", "40P01"})
AWAY: Final = frozenset({"57P01", "57P02", "57P03", "25006"})
"""Codes of a server that is stopping, starting, or read only."""
AWAY_CLASSES: Final = ("08", "53")
"""Classes of codes: the connection failed; no room for it, on the disk or in memory."""


def connect(url: str) -> pg8000.native.Connection:
    """A connection in autocommit mode: each statement is one transaction.

    Raises: Misconfigured for a URL that is none; OSError or a pg8000 error when nobody answers.
    """
    own: dict[str, Any] = {
        "timeout": ANSWER_TIMEOUT_SECONDS,
        "application_name": "cloudtasker",
        "startup_params": _PLANNING,
    }
    if is_cloud_sql(url):
        return _with_quick_times(NativeConnection(cloud_sql_connection(url, **own)))
    arguments = connect_arguments(url)
    if arguments.get("host"):
        arguments["sock"] = dial(arguments["host"], arguments.pop("port"))
    return _with_quick_times(pg8000.native.Connection(**arguments, **own))


def _with_quick_times(connection: pg8000.native.Connection) -> pg8000.native.Connection:
    """The driver reads times with `strptime`, at forty times the cost; the hot statements return
    one for each task."""
    connection.register_in_adapter(TIMESTAMPTZ, _time_of)
    return connection


def _time_of(said: str) -> Any:
    try:
        return datetime.fromisoformat(said)
    except ValueError:  # infinity, or before the year 1: as the driver gives it
        return timestamptz_in(said)


def dial(host: str, port: int) -> socket.socket:
    """A socket to Postgres that sends what it is given at once.

    A batch is larger than the driver's buffer, so it leaves in pieces; without TCP_NODELAY each
    piece but the first waits for the server's delayed acknowledgement, 40 ms on Linux."""
    dialled = socket.create_connection((host, port), ANSWER_TIMEOUT_SECONDS)
    dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    dialled.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return dialled


def was_left(connection: pg8000.native.Connection) -> bool:
    """Whether the server ended an idle `connection`: nobody asked, and there is something to read.

    Looked at before a statement is sent, while it is sure that a new connection repeats nothing;
    after a restart of Postgres the first caller would be refused otherwise.
    """
    looking = select.poll()
    looking.register(connection._usock, select.POLLIN)
    return bool(looking.poll(0))


def connect_arguments(url: str) -> dict[str, Any]:
    """What pg8000 is to be given for `postgresql+pg8000://user:password@host:port/name`.

    `?unix_sock=/path/.s.PGSQL.5432` names a unix socket, as Cloud SQL's is.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgresql+pg8000", "postgres"):
        raise Misconfigured(
            f"CLOUDTASKER_DATABASE_URL begins with {parts.scheme!r}; "
            "it must be postgresql+pg8000://user:password@host:port/name"
        )
    arguments: dict[str, Any] = {
        "user": unquote(parts.username or "postgres"),
        "password": unquote(parts.password) if parts.password else None,
        "database": unquote(parts.path.lstrip("/")) or None,
    }
    sockets = parse_qs(parts.query).get("unix_sock")
    if sockets:
        return {**arguments, "host": None, "unix_sock": sockets[0]}
    return {**arguments, "host": parts.hostname or "127.0.0.1", "port": parts.port or 5432}


def code_of(error: BaseException) -> str:
    """The SQLSTATE that Postgres gave, or an empty string."""
    said = error.args[0] if error.args else None
    return str(said.get("C", "")) if isinstance(said, dict) else ""


def is_away(error: BaseException) -> bool:
    """Whether the server could not be reached or went away, so that nothing is known."""
    if isinstance(error, OSError | pg8000.native.InterfaceError):
        return True
    code = code_of(error)
    return code in AWAY or code.startswith(AWAY_CLASSES)
