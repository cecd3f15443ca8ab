"""The parent of all Python processes, when it is slow to take its orders."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from emulators.stack.forks import Module, Zygote

ROOT = Path(__file__).parents[3]
MANY = 30
LONG = {"PATH": os.defpath, "LONG": "x" * 20_000}
"""An order carries the environment; a few of these are more than a socket holds."""


class Stopped:
    """A zygote that takes no order until `goes_on`."""

    def __init__(self) -> None:
        self.zygote = Zygote(ROOT, {**os.environ})

    async def start(self) -> None:
        self._child = await self.zygote.launch(2)
        await self.zygote.ready(self._child)
        os.kill(self._child.pid, signal.SIGSTOP)

    def goes_on(self) -> None:
        os.kill(self._child.pid, signal.SIGCONT)

    async def end(self) -> None:
        os.kill(self._child.pid, signal.SIGKILL)
        await self._child.wait()


@pytest.fixture
async def stopped() -> AsyncIterator[Stopped]:
    stopped = Stopped()
    await stopped.start()
    yield stopped
    await stopped.end()


@pytest.fixture
def nowhere() -> Iterator[int]:
    with open(os.devnull, "wb") as output:
        yield output.fileno()


async def test_more_orders_than_its_socket_holds_are_all_carried_out(stopped, nowhere):
    module = Module("platform", [], LONG)
    orders = [asyncio.create_task(stopped.zygote.run(module, nowhere)) for _ in range(MANY)]
    await asyncio.wait(orders, timeout=0.2)
    stopped.goes_on()
    children = await asyncio.gather(*orders)

    assert {await child.wait() for child in children} == {0}
    assert len({child.pid for child in children}) == MANY


async def test_the_child_of_an_order_that_was_cancelled_is_ended(stopped):
    printed = asyncio.StreamReader()
    read_end, write_end = os.pipe()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(printed), os.fdopen(read_end, "rb")
    )
    with closing(transport):
        endless = Module("http.server", ["--bind", "127.0.0.1", "0"], {"PATH": os.defpath})
        order = asyncio.create_task(stopped.zygote.run(endless, write_end))
        await asyncio.sleep(0.1)
        os.close(write_end)
        order.cancel()
        stopped.goes_on()

        # Nothing can print any more: it and all who could have ended.
        await asyncio.wait_for(printed.read(), 60)
