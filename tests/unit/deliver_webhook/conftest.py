"""A task's context with the settings that a test needs."""

from collections.abc import Callable
from uuid import UUID

import pytest

from shared.edges.task_context import TaskContext
from shared.settings import Settings


@pytest.fixture
def context() -> Callable[..., TaskContext]:
    def build(*, attempt: int = 1, **settings) -> TaskContext:
        return TaskContext(UUID(int=1), "deliver_webhook", attempt, 12, 0, "", Settings(**settings))

    return build
