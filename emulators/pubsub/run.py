"""Runs one emulator as this process: signals, limits, the first line of output."""

import asyncio
import gc
import ipaddress
import os
import resource
import signal
import sys
from collections.abc import Coroutine

from emulators.pubsub.errors import EmulatorError
from emulators.pubsub.journal import resolve
from emulators.pubsub.logs import log, log_to_stdout
from emulators.pubsub.options import Options
from emulators.pubsub.server import Emulator, in_url

# New objects between two looks of the garbage collector, which is there for cycles only: the rest
# is freed at once. Python's own 700 make it walk what is outstanding again and again.
YOUNG = 50_000


def run(options: Options, log_level: str) -> int:
    """Run until SIGTERM or SIGINT; return the exit status of the process."""
    log_to_stdout(log_level)
    _allow_many_connections()
    try:
        _run_on_fast_loop(_serve(options))
    except EmulatorError as error:
        print(f"python -m emulators.pubsub: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(options: Options) -> None:
    emulator = Emulator(options)
    stop = _stop_signal()
    try:
        port, http_port = await emulator.start()
        _settle_heap()
        announce(options, port, http_port)
        await asyncio.wait((stop, emulator.failed), return_when=asyncio.FIRST_COMPLETED)
        if emulator.failed.done():
            emulator.failed.result()
    finally:
        await emulator.stop()


def announce(options: Options, port: int, http_port: int) -> None:
    """Log where the emulator listens, and a warning if others than this machine can reach it."""
    host = in_url(options.host)
    grpc, http = f"{host}:{port}", f"http://{host}:{http_port}"
    fields = {"grpc": grpc, "http": http, "durability": options.durability, "pid": os.getpid()}
    log.info("ready: PUBSUB_EMULATOR_HOST=%s", grpc, extra={"fields": fields})
    if not _is_loopback(options.host):
        log.warning(
            "listening on %s: everybody who reaches it may use the control API, which reads and "
            "resets everything; --host 127.0.0.1 keeps it to this machine",
            options.host,
        )


def _settle_heap() -> None:
    gc.freeze()  # what it was started with stays
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _stop_signal() -> asyncio.Future[None]:
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[None] = loop.create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, resolve, stop)
    return stop


def _allow_many_connections() -> None:
    """Raise the soft limit of open files to the hard one: a push window may reach thousands."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _run_on_fast_loop(main: Coroutine[None, None, None]) -> None:
    """Run on uvloop where it is installed."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        asyncio.run(main)
    else:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(main)
