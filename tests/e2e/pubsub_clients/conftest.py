"""One emulator of ours for clients of other makers, each in a project of its own."""

import pytest

from tests.contract.pubsub.processes import ours


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """A running emulator."""
    with ours(tmp_path_factory.mktemp("pubsub")) as running:
        yield running
