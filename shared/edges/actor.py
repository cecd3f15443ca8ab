"""Who makes the call that is being answered: what the audit names. Set once a call, by its edge."""

from contextvars import ContextVar
from typing import Final

LOCAL: Final = "local"
"""Whoever is on this machine, where callers bring no credentials."""
_ACTOR: ContextVar[str] = ContextVar("actor", default=LOCAL)


def acting(actor: str) -> None:
    """Note that the rest of this call is done for `actor`."""
    _ACTOR.set(actor)


def current_actor() -> str:
    """`key:<id>` of an API key, an e-mail address, or `local`."""
    return _ACTOR.get()
