"""A pytest plugin: each test as often as its reliability line has loops, at most
`CLOUDTASKER_TEST_LOOPS` times. Loaded by `make chaos` alone."""

import os
from typing import Final

import pytest

from tests.chaos.lines import LINES

VARIABLE: Final = "CLOUDTASKER_TEST_LOOPS"
IS_LONG: Final = VARIABLE in os.environ
"""Whether tests may take minutes: they choose longer outages and larger backlogs then."""


def repetitions(node: str, most: int) -> int:
    """How often the test `path::name` runs when no test may run more than `most` times."""
    return max([min(line.loops, most) for line in LINES if node in line.tests], default=1)


@pytest.fixture
def repetition(request: pytest.FixtureRequest) -> int:
    """The number of this repetition, from 1."""
    return int(request.param)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    path = metafunc.definition.path.relative_to(metafunc.config.rootpath)
    times = repetitions(
        f"{path.as_posix()}::{metafunc.function.__name__}", int(os.environ[VARIABLE])
    )
    metafunc.fixturenames.append("repetition")
    metafunc.parametrize("repetition", range(1, times + 1), indirect=True, scope="function")
