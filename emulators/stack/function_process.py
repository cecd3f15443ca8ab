"""One function as a process: functions-framework's ASGI app under uvicorn, on an inherited socket.

The socket belongs to the supervisor, so while a function restarts its callers wait in the queue
of the socket and nothing is refused.
"""

import argparse
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from functions_framework.aio import create_asgi_app

from emulators.stack.import_problem import describe
from emulators.stack.instance import Instance, InstanceServer
from emulators.stack.processes import EXIT_BROKEN
from emulators.stack.quiet_server import QuietServer

# The function drains for up to 8 s by itself.
_GRACE_SECONDS = 9
# Longer than any client keeps an idle connection: the client closes, and no delivery races that.
_KEEP_ALIVE_SECONDS = 120


def main(around: Callable[[Any], Any] = lambda app: app) -> int:
    """Serve the function `--target` of `--source` until SIGTERM.

    `around` makes the ASGI application that is served of the function's own.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", required=True)
    parser.add_argument("--source", required=True, type=Path)
    parser.add_argument("--concurrency", type=int, help="as one of several processes: its requests")
    asked = parser.parse_args()
    try:
        app = create_asgi_app(  # type: ignore[no-untyped-call]  # the framework has no hints
            asked.target, str(asked.source), "http"
        )
    except Exception as error:
        print(json.dumps(describe(error, asked.source, Path.cwd())), flush=True)
        return EXIT_BROKEN
    _serve(around(app), asked.concurrency)
    return 0


def _serve(app: Any, concurrency: int | None) -> None:
    """Serve `app` on the inherited socket; with a `concurrency`, on one of its own besides."""
    listener = socket.socket(fileno=int(os.environ.pop("LISTENER_FD")))
    if concurrency is None:
        QuietServer(_config(app)).run(sockets=[listener])
        return
    instance = Instance(app, concurrency, listener.getsockname()[1])
    own = socket.socket(fileno=int(os.environ.pop("OWN_LISTENER_FD")))
    InstanceServer(_config(instance), instance, listener).run(sockets=[own])


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


if __name__ == "__main__":
    sys.exit(main())
