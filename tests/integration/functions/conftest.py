"""What the function processes of these tests need: a database, and whose tokens to accept."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer, fresh_database
from tests.support.tokens import AUDIENCE, EMAIL, key_server


@pytest.fixture(scope="session")
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
