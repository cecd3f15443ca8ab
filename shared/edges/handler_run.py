"""Carries what the log wants of a handler's run past the service, which keeps only the verdict."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class HandlerRun:
    """How long the handler of one delivery took and what it raised; None when it never ran."""

    seconds: float | None = None
    error: Exception | None = None


_CURRENT: ContextVar[HandlerRun | None] = ContextVar("handler_run", default=None)


@contextmanager
def watching() -> Iterator[HandlerRun]:
    """Yield the record that a `timed` block below it fills, in whatever task that runs."""
    run = HandlerRun()
    token = _CURRENT.set(run)
    try:
        yield run
    finally:
        _CURRENT.reset(token)


@contextmanager
def timed() -> Iterator[None]:
    """Note the time and the error of the block, which goes on unchanged."""
    run = _CURRENT.get() or HandlerRun()
    began = time.perf_counter()
    try:
        yield
    except Exception as error:
        run.error = error
        raise
    finally:
        run.seconds = time.perf_counter() - began
