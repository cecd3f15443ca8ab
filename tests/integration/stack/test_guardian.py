"""The fall-back without a parent-death signal."""

import json
import os
import subprocess
import sys

import psutil
import pytest

from emulators.stack import guardian
from tests.integration.stack.conftest import eventually


@pytest.fixture
def orphan():
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def guard(lists: list[list[int]]) -> None:
    """Run a guardian that is told these lists, and then hears no more."""
    told = "".join(json.dumps(sessions) + "\n" for sessions in lists)
    subprocess.run([sys.executable, guardian.PROCESS], input=told, text=True, check=True)


def test_it_ends_the_last_list_when_the_supervisor_dies(orphan):
    guard([[], [orphan.pid]])

    assert orphan.wait(30) == -9


def test_it_ends_nothing_after_a_last_empty_list(orphan):
    guard([[orphan.pid], []])

    assert orphan.poll() is None


def test_a_session_that_is_gone_already_does_not_disturb_it(orphan):
    gone = subprocess.Popen(["true"], start_new_session=True)
    gone.wait()

    guard([[gone.pid, orphan.pid]])

    assert orphan.wait(30) == -9


async def test_the_supervisors_side_ends_it_without_harm(orphan):
    side = guardian.Guardian()
    await side.start()
    side.watch([orphan.pid])

    await side.stop()

    assert orphan.poll() is None
    eventually(lambda: not _guardians())


def _guardians() -> list[psutil.Process]:
    children = psutil.Process(os.getpid()).children()
    return [child for child in children if str(guardian.PROCESS) in child.cmdline()]
