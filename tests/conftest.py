"""What the whole suite shares: the order of its files, and servers started once a session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer, postgres_server

TESTS = Path(__file__).parent
SLOW_FIRST = ("e2e", "integration", "simulation", "contract")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the folders whose files take long, where several workers share the files.

    Else one is left with such a file at the end, and the others wait for it.
    """
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place(item.path.relative_to(TESTS).parts[0]))


def _place(folder: str) -> int:
    return SLOW_FIRST.index(folder) if folder in SLOW_FIRST else len(SLOW_FIRST)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real Postgres; tests make databases of their own in it."""
    with postgres_server() as server:
        yield server
