"""`python -m emulators.cloud.daemon FOLDER`: keeps a deployment running, told by loopback HTTP.

Whoever may talk to it may start programs, so each request carries the token of its private file.
"""

import argparse
import asyncio
import hmac
import json
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulators.cloud.folder import Folder, write_private
from emulators.cloud.host import Host
from emulators.cloud.leftovers import end_leftovers
from emulators.cloud.spec import Spec
from emulators.stack.console import Console
from emulators.stack.errors import StackError
from emulators.stack.lock import RunLock
from emulators.stack.ports import HOST
from emulators.stack.quiet_server import QuietServer


class Api:
    """The routes. Every answer is JSON; a part that does not start is a 409 with its text."""

    def __init__(self, host: Host, token: str, ending: asyncio.Event) -> None:
        self._host = host
        self._token = token
        self._ending = ending

    def app(self) -> Starlette:
        """Return the application."""
        name = "/parts/{name}"
        return Starlette(
            routes=[
                Route("/parts", self.list),
                Route("/parts/{name}", self.get),
                Route(name, self.put, methods=["PUT"]),
                Route(name, self.delete, methods=["DELETE"]),
                Route("/stop", self.stop, methods=["POST"]),
            ]
        )

    async def list(self, request: Request) -> Response:
        """Answer all parts."""
        self._check(request)
        return JSONResponse([running.as_json() for running in self._host.all()])

    async def get(self, request: Request) -> Response:
        """Answer one part, null if there is none."""
        self._check(request)
        running = self._host.get(request.path_params["name"])
        return JSONResponse(running and running.as_json())

    async def put(self, request: Request) -> Response:
        """Start a part and answer once it works."""
        self._check(request)
        try:
            running = await self._host.put(Spec.of(await request.json()))
        except StackError as error:
            return JSONResponse({"what": error.what, "facts": error.facts}, 409)
        return JSONResponse(running.as_json())

    async def delete(self, request: Request) -> Response:
        """Stop a part."""
        self._check(request)
        await self._host.delete(request.path_params["name"])
        return JSONResponse(None)

    async def stop(self, request: Request) -> Response:
        """Answer, then end."""
        self._check(request)
        self._ending.set()
        return JSONResponse(None)

    def _check(self, request: Request) -> None:
        if not hmac.compare_digest(request.headers.get("x-token", ""), self._token):
            raise PermissionError("a request without the token of the deployment's folder")


async def serve(folder: Folder) -> None:
    """Serve until told to stop. Raises: StackError when it cannot start."""
    lock = RunLock.acquire(folder.path, datetime.now().astimezone())
    end_leftovers(folder.path)
    with folder.log.open("a") as log:
        console = Console(log, as_json=True, verbose=True)
        console.release()
        host = Host(folder, console)
        try:
            await host.restore()
            await _until_told(folder, host)
        finally:
            folder.daemon.unlink(missing_ok=True)
            await host.stop()
            lock.release()


async def _until_told(folder: Folder, host: Host) -> None:
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    token = secrets.token_urlsafe(32)
    config = uvicorn.Config(
        Api(host, token, ending).app(), host=HOST, port=0, lifespan="off", log_level="error"
    )
    config.load()
    server = QuietServer(config)
    listener = config.bind_socket()
    serving = asyncio.create_task(server._serve([listener]))
    address = {"port": listener.getsockname()[1], "token": token, "pid": os.getpid()}
    write_private(folder.daemon, json.dumps(address))
    await asyncio.wait({serving, asyncio.ensure_future(ending.wait())}, return_when="FIRST_COMPLETED")
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await serving


def main(arguments: Sequence[str]) -> int:
    """Run until stopped; 1 when it could not start, with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="python -m emulators.cloud.daemon")
    parser.add_argument("folder", type=Path)
    try:
        asyncio.run(serve(Folder(parser.parse_args(arguments).folder.resolve())))
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
