"""Servers that task types talk to, and a task's context."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest

from shared.edges.task_context import TaskContext
from shared.settings import Settings
from tests.integration.task_types.certificates import Certificates
from tests.integration.task_types.mail_server import MailServer
from tests.integration.task_types.receiver import Receiver

TASK_ID = UUID("0190c5e4-7a3b-7def-8abc-1234567890ab")


@pytest.fixture
def context() -> Callable[..., TaskContext]:
    def build(*, attempt: int = 1, generation: int = 0, **settings) -> TaskContext:
        return TaskContext(TASK_ID, "a_type", attempt, 5, generation, "", Settings(**settings))

    return build


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Somebody's HTTP server."""
    async with Receiver() as server:
        yield server


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    """An SMTP server that takes everything until told otherwise."""
    async with MailServer() as server:
        yield server


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    """A certificate for hooks.example.com and this machine, and who trusts it."""
    return Certificates("hooks.example.com", "localhost")
