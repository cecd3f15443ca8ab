"""The pytest plugin: fixtures of an emulator in the test run's own process.

It is loaded by every pytest run where the package is installed, so it imports nothing at the top.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from emulators.pubsub.testing.in_process import EmulatorClock, PubSubEmulator


@pytest.fixture(scope="session")
def pubsub_emulator_options() -> dict[str, Any]:
    """How to start the emulator: override it to give `PubSubEmulator` other arguments."""
    return {}


@pytest.fixture(scope="session")
def pubsub_emulator_server(pubsub_emulator_options: dict[str, Any]) -> "Iterator[PubSubEmulator]":
    """The emulator of the whole run; tests ask for `pubsub_emulator`."""
    from emulators.pubsub.testing.in_process import PubSubEmulator

    with PubSubEmulator(**{"set_environment": False} | pubsub_emulator_options) as emulator:
        yield emulator


@pytest.fixture
def pubsub_emulator(
    pubsub_emulator_server: "PubSubEmulator", monkeypatch: pytest.MonkeyPatch
) -> "PubSubEmulator":
    """An empty Pub/Sub emulator, which PUBSUB_EMULATOR_HOST leads to while the test runs."""
    pubsub_emulator_server.reset()
    for name, value in pubsub_emulator_server.environment.items():
        monkeypatch.setenv(name, value)
    return pubsub_emulator_server


@pytest.fixture
def pubsub_clock(pubsub_emulator: "PubSubEmulator") -> "EmulatorClock":
    """The emulator's clock: `pubsub_clock.advance(seconds)`."""
    return pubsub_emulator.clock
