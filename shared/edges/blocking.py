"""Runs a blocking function beside the event loop. Knows nothing of tasks."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_thread(call: Callable[[], T]) -> T:
    """What `call` returns or raises, from a thread of its own that sees this context's variables.

    Not from a pool, which would make runs wait for each other on a machine with few cores. The
    thread is a daemon: one that outlives its time limit holds up neither the next run nor the
    end of the process.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            result = call()
        except BaseException as error:
            tell(_fail, error)
        else:
            tell(_succeed, result)

    def tell(settle: Callable[..., None], outcome: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, done, outcome)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="blocking-call", daemon=True).start()
    return await done


def _succeed(done: asyncio.Future[T], result: T) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: asyncio.Future[T], error: BaseException) -> None:
    if done.done():
        return
    if isinstance(error, StopIteration):  # which a future refuses to carry
        error = RuntimeError("the call raised StopIteration")
    done.set_exception(error)
