"""P17: the drain of a backlog before and after a restart of Postgres."""

import os
import signal
import time
from typing import Final

import pg8000.native
from pg8000.exceptions import DatabaseError, InterfaceError

from shared.adapters.pg_connection import connect_arguments
from tests.bench.queue.ours import Ours
from tests.e2e.local_stack import eventually

BEFORE_SECONDS: Final = 4.0
AFTER_SECONDS: Final = 10.0


def recovery(ours: Ours, backlog: int) -> tuple[float, float]:
    """Tasks a second of the drain before Postgres was told to restart, and in the ten seconds
    after it took connections again.

    Raises: RuntimeError when the backlog was too small to show it.
    """
    with ours.held():
        ours.fill(backlog)
    before = _rate(ours, BEFORE_SECONDS)
    pid = ours.stack.pid_of("postgres")
    ours.close()
    os.kill(pid, signal.SIGINT)
    eventually(lambda: ours.stack.pid_of("postgres") != pid, 60, "Postgres is another process")
    eventually(lambda: _accepts(ours), 60, "Postgres takes connections")
    ours.connect()
    after = _rate(ours, AFTER_SECONDS)
    ours.all_done()
    # A caller that comes first may be told 503 and to repeat; so does this one.
    eventually(ours.takes_tasks, 60, "the API takes tasks")
    ours.all_done()
    return before, after


def _accepts(ours: Ours) -> bool:
    try:
        arguments = connect_arguments(ours.stack.state["postgres"])
        pg8000.native.Connection(**arguments).close()
    except (InterfaceError, DatabaseError, OSError):
        return False
    return True


def _rate(ours: Ours, seconds: float) -> float:
    """Tasks a second for so long, or until none is left."""
    first = left = ours.waiting()
    if not first:
        raise RuntimeError("the backlog was done too soon; take a greater one")
    began = time.perf_counter()
    while left and time.perf_counter() - began < seconds:
        time.sleep(0.2)
        left = ours.waiting()
    return (first - left) / (time.perf_counter() - began)
