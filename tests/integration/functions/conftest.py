"""A Postgres for the function processes of these tests, and the environment that names it."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer, fresh_database, postgres_server
from tests.support.tokens import AUDIENCE, EMAIL, key_server


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A running server with nothing in it."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def database_url(postgres: PostgresServer) -> str:
    """A database with our schema."""
    return fresh_database(postgres, "functions")


@pytest.fixture(scope="module")
def environment(database_url: str) -> Iterator[dict[str, str]]:
    """What a function needs to work: the database, and whose tokens to accept."""
    with key_server() as keys:
        yield {
            "CLOUDTASKER_DATABASE_URL": database_url,
            "CLOUDTASKER_PUSH_ISSUER_KEYS_URL": keys.url,
            "CLOUDTASKER_PUSH_AUDIENCE": AUDIENCE,
            "CLOUDTASKER_PUSH_SERVICE_ACCOUNT": EMAIL,
            "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
        }
