"""Connections through Cloud SQL's connector, which a function stands in for that opens the driver's
DB-API connection to a real Postgres, as the connector does."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from uuid import UUID

import aiohttp
import pg8000.dbapi
import pytest
from google.auth.exceptions import DefaultCredentialsError, TransportError
from google.cloud.sql.connector import exceptions
from sqlalchemy import text

from shared.adapters.cloud_sql import CloudSqlAway, NativeConnection, Place, connect, place_of
from shared.adapters.pg_connection import is_away
from shared.adapters.pg_engine import engine_of
from shared.adapters.pg_reads import Reads
from shared.domain.errors import LedgerUnavailable, Misconfigured
from tests.support.postgres import PostgresServer, fresh_database

USER = "ct-enqueue@project.iam"
URL = f"cloudsql+pg8000://{quote(USER, safe='')}@/cloudtasker?instance=project:europe-west1:main"


class Connector:
    """Opens connections to a test database, and remembers what it was asked for."""

    def __init__(self, url: str) -> None:
        self._port, self._database = int(url.rpartition(":")[2].split("/")[0]), url.split("/")[-1]
        self.asked: list[tuple] = []

    def connect(self, instance: str, driver: str, *, user: str, db: str, **arguments):
        self.asked.append((instance, driver, user, db, arguments.pop("enable_iam_auth", False)))
        arguments.pop("password", None)
        return pg8000.dbapi.connect(
            "postgres", host="127.0.0.1", port=self._port, database=self._database, **arguments
        )


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> str:
    return fresh_database(postgres, "cloud_sql")


@pytest.fixture
def connector(database: str) -> Connector:
    return Connector(database)


def test_the_url_names_instance_user_and_database():
    assert place_of(URL) == Place("project:europe-west1:main", USER, "cloudtasker")


@pytest.mark.parametrize(
    "url",
    [
        "cloudsql+pg8000://user@/name",
        "cloudsql+pg8000://user@/name?instance=main",
        "cloudsql+pg8000:///name?instance=p:r:i",
        "cloudsql+pg8000://user@?instance=p:r:i",
    ],
)
def test_a_url_that_lacks_a_part_is_refused_with_the_form(url):
    with pytest.raises(Misconfigured, match="instance=PROJECT:REGION:INSTANCE"):
        place_of(url)


def test_the_connector_is_asked_for_the_place(connector):
    connect(URL, connector.connect).close()

    assert connector.asked == [("project:europe-west1:main", "pg8000", USER, "cloudtasker", True)]


def test_a_user_with_a_password_is_none_of_iams(connector):
    url = URL.replace("@/", ":p%2Fw@/")
    connect(url, connector.connect).close()

    assert place_of(url).password == "p/w"
    assert connector.asked[0][-1] is False


ASKED: Any = SimpleNamespace(real_url="https://sqladmin")
FAILURES = [
    aiohttp.ClientPayloadError("cut off"),
    aiohttp.ClientResponseError(ASKED, (), status=503),
    TransportError("no metadata server"),
    DefaultCredentialsError("no credentials"),
    exceptions.CloudSQLConnectionError("refused"),
    exceptions.RefreshNotValidError("stale"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_connector_that_cannot_connect_is_a_database_that_is_away(failure):
    def refuse(*_, **__):
        raise failure

    with pytest.raises(CloudSqlAway, match=type(failure).__name__) as away:
        connect(URL, refuse)
    assert is_away(away.value)
    with pytest.raises(LedgerUnavailable):
        Reads(URL, connect=refuse).get(UUID(int=0))


def test_a_defect_in_the_connectors_use_is_no_absence():
    def broken(*_, **__):
        raise TypeError("a wrong argument")

    with pytest.raises(TypeError):
        connect(URL, broken)


def test_what_the_connector_opened_has_the_native_methods_and_commits_by_itself(connector):
    settings = {"startup_params": {"enable_seqscan": "off"}, "application_name": "cloudtasker"}
    one = NativeConnection(connect(URL, connector.connect, **settings))
    other = NativeConnection(connect(URL, connector.connect))
    try:
        one.run("INSERT INTO idempotency_keys VALUES (:k, gen_random_uuid(), '', now())", k="a")
        seen = other.prepare("SELECT count(*) FROM idempotency_keys WHERE key = :k").run(k="a")
        assert seen == [[1]]
        assert one.run("SHOW enable_seqscan") == [["off"]]
    finally:
        one.close()
        other.close()


def test_reads_go_through_the_connector_too(connector):
    engine = engine_of(URL, connect=connector.connect)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()

    assert connector.asked
