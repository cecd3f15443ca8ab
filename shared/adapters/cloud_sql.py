"""Connections to Cloud SQL through Google's connector: private address, TLS, an IAM identity.

Nothing here is imported unless the database's URL asks for it: the connector costs a start dearly.
The lazy refresh makes no background work, which a function has no CPU for between requests.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import pg8000.dbapi
import pg8000.native

from shared.domain.errors import Misconfigured

SCHEME: Final = "cloudsql+pg8000"
_FORM: Final = f"{SCHEME}://USER@/NAME?instance=PROJECT:REGION:INSTANCE"
_PRIVATE: Final = "PRIVATE"


class CloudSqlAway(ConnectionError):
    """The connector could not open a connection: the admin API, an identity, or the instance."""


Connect = Callable[..., pg8000.dbapi.Connection]
"""The connector's `connect`: instance, driver, and the driver's own arguments."""


class Place(NamedTuple):
    """Which database, and as whom: an IAM user, unless there is a password."""

    instance: str
    user: str
    database: str
    password: str | None = None


class NativeConnection(pg8000.native.Connection):  # type: ignore[misc]  # has no types
    """A connection that the connector has opened, with the driver's native methods.

    The driver's two faces differ in methods only; the connector makes the other one.
    """

    def __init__(self, opened: pg8000.dbapi.Connection) -> None:
        self.__dict__.update(opened.__dict__)
        self._context = None


def is_cloud_sql(url: str) -> bool:
    """Whether `url` names a Cloud SQL instance."""
    return url.startswith(f"{SCHEME}:")


def place_of(url: str) -> Place:
    """What `url` names. Raises: Misconfigured when a part of it is missing."""
    parts = urlsplit(url)
    [instance] = parse_qs(parts.query).get("instance", [""])
    user, database = unquote(parts.username or ""), unquote(parts.path.lstrip("/"))
    password = unquote(parts.password) if parts.password else None
    place = Place(instance, user, database, password)
    if not (user and database) or instance.count(":") != 2:
        raise Misconfigured(f"CLOUDTASKER_DATABASE_URL must be {_FORM}, the user percent-encoded")
    return place


def connect(url: str, connect: Connect | None = None, **arguments: Any) -> pg8000.dbapi.Connection:
    """A DB-API connection to the database that `url` names; `arguments` are the driver's.

    Raises: CloudSqlAway when the connector's own calls fail; else what the driver raises.
    """
    place = place_of(url)
    open_it = connect or _connector().connect
    identity = {"password": place.password} if place.password else {"enable_iam_auth": True}
    try:
        return open_it(
            place.instance, "pg8000", user=place.user, db=place.database, **identity, **arguments
        )
    except _connector_errors() as failure:
        raise CloudSqlAway(f"{type(failure).__name__}: {failure}") from failure


def _connector_errors() -> tuple[type[Exception], ...]:
    """What the connector raises when it cannot reach what it needs; the driver's own are not here.

    Evaluated once something was raised, when the connector is imported anyway.
    """
    from aiohttp import ClientError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.sql.connector import exceptions

    return (
        ClientError,
        GoogleAuthError,
        exceptions.CloudSQLConnectionError,
        exceptions.DnsResolutionError,
        exceptions.RefreshNotValidError,
    )


@cache
def _connector() -> Any:
    from google.cloud.sql.connector import Connector

    return Connector(ip_type=_PRIVATE, refresh_strategy="LAZY")
