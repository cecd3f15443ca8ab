"""Fixtures of the whole suite: the servers that a session starts at most once."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real Postgres; tests make databases of their own in it."""
    with postgres_server() as server:
        yield server
