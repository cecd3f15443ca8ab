"""The command line: `python -m emulators.pubsub`."""

import argparse
import asyncio
import os
import resource
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path

from emulators.pubsub.errors import EmulatorError
from emulators.pubsub.journal import resolve
from emulators.pubsub.logs import log, log_to_stdout
from emulators.pubsub.server import Emulator, Options, in_url

DESCRIPTION = """\
A Pub/Sub emulator for the unmodified client libraries. Point them at it with

  export PUBSUB_EMULATOR_HOST=127.0.0.1:8085

Messages outlive the process unless --durability memory is chosen. Push requests carry OIDC tokens
when the subscription asks for them; verify them with the keys at
http://127.0.0.1:8086/oauth2/v3/certs (or /oauth2/v1/certs for google-auth).
Standard output gets one JSON object a line; the first tells both addresses.
SIGTERM and SIGINT stop it cleanly."""


def parser() -> argparse.ArgumentParser:
    """Return the parser, whose help is the manual."""
    cli = argparse.ArgumentParser(
        prog="python -m emulators.pubsub",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cli.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    cli.add_argument("--port", type=int, default=8085, help="gRPC port, 0 for any (%(default)s)")
    cli.add_argument(
        "--http-port", type=int, default=8086, help="keys, tokens, health; 0 for any (%(default)s)"
    )
    cli.add_argument(
        "--data-dir",
        type=Path,
        default=Path(".pubsub-emulator"),
        help="where messages and the signing key are kept (%(default)s)",
    )
    cli.add_argument(
        "--durability",
        choices=("memory", "normal", "full"),
        default="normal",
        help="what a Publish answer means: memory: nothing is kept on disk; normal: it survives "
        "a kill of the process; full: it survives a power loss (%(default)s)",
    )
    cli.add_argument(
        "--push-backoff",
        choices=("documented", "off"),
        default="documented",
        help="documented: nacked pushes slow the whole subscription, as in the service; "
        "off: only retry policies delay (%(default)s)",
    )
    cli.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="least severe event to log (%(default)s)",
    )
    return cli


def main() -> int:
    """Run until a signal; return the exit status."""
    arguments = parser().parse_args()
    log_to_stdout(arguments.log_level)
    _allow_many_connections()
    try:
        _run(_serve(arguments))
    except EmulatorError as error:
        print(f"python -m emulators.pubsub: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(arguments: argparse.Namespace) -> None:
    emulator = Emulator(
        Options(
            host=arguments.host,
            port=arguments.port,
            http_port=arguments.http_port,
            data_dir=arguments.data_dir,
            durability=arguments.durability,
            push_backoff=arguments.push_backoff == "documented",
        )
    )
    stop = _stop_signal()
    try:
        port, http_port = await emulator.start()
        _announce(arguments, port, http_port)
        await asyncio.wait((stop, emulator.failed), return_when=asyncio.FIRST_COMPLETED)
        if emulator.failed.done():
            emulator.failed.result()
    finally:
        await emulator.stop()


def _announce(arguments: argparse.Namespace, port: int, http_port: int) -> None:
    host = in_url(arguments.host)
    grpc, http = f"{host}:{port}", f"http://{host}:{http_port}"
    fields = {"grpc": grpc, "http": http, "durability": arguments.durability, "pid": os.getpid()}
    log.info("ready: PUBSUB_EMULATOR_HOST=%s", grpc, extra={"fields": fields})


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


def _run(main: Coroutine[None, None, None]) -> None:
    """Run on uvloop where it is installed."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        asyncio.run(main)
    else:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(main)


if __name__ == "__main__":
    sys.exit(main())
