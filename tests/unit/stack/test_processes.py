"""Processes that are ended, whatever moment of their life it is."""

import subprocess
from collections.abc import Iterator

import pytest

from emulators.stack.processes import kill_session


@pytest.fixture(params=[False, True], ids=["without a session yet", "with a session"])
def sleeper(request) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "300"], start_new_session=request.param) as process:
        yield process
        process.kill()


def test_a_session_is_killed_and_a_child_that_has_none_yet(sleeper):
    kill_session(sleeper)

    assert sleeper.wait(60) == -9


def test_one_that_has_ended_is_no_mistake():
    with subprocess.Popen(["true"], start_new_session=True) as process:
        process.wait()

    kill_session(process)
