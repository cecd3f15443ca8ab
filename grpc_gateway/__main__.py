"""`python -m grpc_gateway`: serve until SIGTERM or SIGINT."""

import asyncio
import signal
import sys
from asyncio import AbstractEventLoop

from grpc_gateway.server import start
from shared import telemetry
from shared.bootstrap import api
from shared.domain.errors import Misconfigured
from shared.edges.heap import HEAP
from shared.opened import settings
from shared.settings import Settings
from shared.telemetry import Event


def main() -> None:
    """Serve until the process is told to stop. Exit code 1: it is not set up correctly."""
    telemetry.configure(Settings())  # wrong settings are said in the same form
    try:
        telemetry.configure(settings())
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(_serve())
    except Misconfigured as wrong:
        telemetry.log(Event.MISCONFIGURED, severity="CRITICAL", message=str(wrong))
        sys.exit(1)


async def _serve() -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    gateway = await start(api())
    HEAP.settle()
    telemetry.log(Event.PROCESS_READY, address=gateway.address)
    await stopping.wait()
    telemetry.log(Event.PROCESS_STOPPING)
    await gateway.stop()


def _new_loop() -> AbstractEventLoop:
    """The quicker loop where there is one (not on Windows)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


if __name__ == "__main__":
    main()
