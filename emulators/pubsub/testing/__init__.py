"""The emulator inside a test's own process: `with PubSubEmulator() as emulator:`.

Nothing is loaded before it is asked for, so the pytest plugin costs nothing where it is not used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulators.pubsub.testing.in_process import Message, PubSubEmulator

__all__ = ["Message", "PubSubEmulator"]


def __getattr__(name: str) -> Any:
    """Return one of the two classes."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from emulators.pubsub.testing import in_process

    return getattr(in_process, name)
