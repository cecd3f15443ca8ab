"""The parent of the Python processes: imports what they share once, then forks one a request.

It must start no thread and import no grpc (neither survives a fork), and nothing of the product
(an edited file must be imported anew). Linux only; elsewhere each process imports for itself.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from emulators.stack.forks import LISTENERS
from emulators.stack.parent_death import before_exec

# The third-party part that functions and gateway have in common. Not what few of them need: every
# process would count SQLAlchemy's 14 MB, and 11 MB of Google's client libraries.
SHARED_MODULES = (
    "asyncio",
    "functions_framework.aio",
    "uvicorn",
    "uvicorn.lifespan.off",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "yaml",
    "pydantic",
    "email_validator",
    "jwt",
    "cloudevents.http",
    "pg8000",
    "redis",
    "redis.asyncio",
)
_SIZE = 256 * 1024
_PR_SET_NAME = 15


@dataclass(frozen=True)
class Order:
    """One process to fork: a module to run as `python -m` would, and its inherited files."""

    module: str
    argv: list[str]
    environment: dict[str, str]
    output: int
    listeners: list[int]
    title: str


def main() -> None:
    """Serve orders on the channel whose descriptor is the first argument, until it closes."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    for module in SHARED_MODULES:
        with suppress(ImportError):  # who needs it reports it better
            importlib.import_module(module)
    gc.collect()
    gc.freeze()  # a collection in a child would copy every shared page
    order = _serve(channel)
    if order is not None:
        channel.close()
        _become(order)


def _serve(channel: socket.socket) -> Order | None:
    """Fork as asked and report ends; returns an order in the child that shall run it."""
    wakes, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(wake)
    _tell(channel, ready=os.getpid())
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        selector.register(wakes, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in selector.select()]
            if wakes in ready:
                os.read(wakes, 4096)
                _report_ends(channel)
            if channel in ready:
                data, files, _, _ = socket.recv_fds(channel, _SIZE, 3)
                if not data:
                    return None
                if order := _fork(channel, json.loads(data), files):
                    signal.set_wakeup_fd(-1)
                    os.close(wakes)
                    os.close(wake)
                    return order


def _fork(channel: socket.socket, asked: dict[str, Any], files: list[int]) -> Order | None:
    prepare = before_exec(signal.SIGKILL)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        prepare()
        output, *listeners = files
        return Order(
            asked["module"],
            asked["argv"],
            asked["environment"],
            output,
            listeners,
            asked["title"],
        )
    for file in files:
        os.close(file)
    _tell(channel, order=asked["order"], pid=pid)
    return None


def _report_ends(channel: socket.socket) -> None:
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            _tell(channel, ended=pid, code=os.waitstatus_to_exitcode(status))


def _tell(channel: socket.socket, **facts: int) -> None:
    channel.send(json.dumps(facts).encode())


def _become(order: Order) -> None:
    """Turn this fork into the process that was asked for, and run it to its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(order.output, 1)
    os.dup2(order.output, 2)
    os.close(order.output)
    os.environ.clear()
    os.environ.update(order.environment)
    for name, listener in zip(LISTENERS, order.listeners, strict=False):
        os.environ[name] = str(listener)
    # What ps and the owner of a port are called; the command line stays the zygote's.
    ctypes.CDLL(None).prctl(_PR_SET_NAME, order.title.encode(), 0, 0, 0)
    sys.argv = [order.module, *order.argv]
    runpy.run_module(order.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
