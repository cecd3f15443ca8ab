"""The process that outlives the command: `python -m emulators.cloud.daemon FOLDER`.

It serves the supervisor's control on a port of this machine, to who can read the folder's token.
"""

import asyncio
import json
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from aiohttp import web

from emulators.cloud.environment import HOST
from emulators.cloud.folder import Folder
from emulators.cloud.specs import Spec
from emulators.cloud.supervisor import Refused, Supervisor
from emulators.stack.console import Console
from emulators.stack.errors import first_stack_error
from emulators.stack.lock import RunLock

CONTROL = "control.json"
FAILURE = "failure.txt"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The supervisor over HTTP."""

    def __init__(self, supervisor: Supervisor, token: str) -> None:
        self._supervisor = supervisor
        self._token = token
        self.told_to_stop = asyncio.Event()

    def app(self) -> web.Application:
        """Return the routes."""
        app = web.Application(middlewares=[self._guarded], client_max_size=16 * 1024 * 1024)
        app.router.add_get("/", self._describe)
        app.router.add_put("/parts/{name}", self._put)
        app.router.add_delete("/parts/{name}", self._remove)
        app.router.add_post("/parts/{name}/restart", self._restart)
        app.router.add_post("/jobs/{name}", self._run)
        app.router.add_post("/stop", self._stop)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Only who may read the folder; what is refused is 409 with the reason."""
        brought = request.headers.get("Authorization", "")
        if not secrets.compare_digest(brought.encode(), f"Bearer {self._token}".encode()):
            return web.json_response({"error": "the token of control.json is needed"}, status=401)
        try:
            return await handler(request)
        except Refused as refused:
            return web.json_response({"error": str(refused)}, status=409)

    async def _describe(self, _request: web.Request) -> web.Response:
        return web.json_response(self._supervisor.describe())

    async def _put(self, request: web.Request) -> web.Response:
        spec = Spec.of(await request.json())
        port = await self._supervisor.put(request.match_info["name"], spec)
        return web.json_response({"port": port})

    async def _remove(self, request: web.Request) -> web.Response:
        await self._supervisor.remove(request.match_info["name"], request.query.get("of", ""))
        return web.json_response({})

    async def _restart(self, request: web.Request) -> web.Response:
        await self._supervisor.restart(request.match_info["name"])
        return web.json_response({})

    async def _run(self, request: web.Request) -> web.Response:
        spec = Spec.of(await request.json())
        await self._supervisor.run(request.match_info["name"], spec)
        return web.json_response({})

    async def _stop(self, _request: web.Request) -> web.Response:
        self.told_to_stop.set()
        return web.json_response({})


async def run(folder: Folder) -> None:
    """Supervise until told to stop. Raises: StackError when the base cannot start."""
    lock = RunLock.acquire(folder.path, datetime.now().astimezone())
    console = Console(sys.stdout, as_json=True, verbose=False)
    console.release()
    supervisor = Supervisor(folder, console)
    token = secrets.token_urlsafe(32)
    control = Control(supervisor, token)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, control.told_to_stop.set)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal may go
    runner = web.AppRunner(control.app(), access_log=None)
    try:
        await supervisor.start()
        await runner.setup()
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        [address] = runner.addresses
        folder.write(folder.path / CONTROL, json.dumps({"port": address[1], "token": token}))
        await control.told_to_stop.wait()
    finally:
        (folder.path / CONTROL).unlink(missing_ok=True)
        await supervisor.stop()
        await runner.cleanup()
        lock.release()


def main() -> int:
    """Run; what kept it from starting is written where the command looks for it."""
    folder = Folder(Path(sys.argv[1]))
    try:
        asyncio.run(run(folder))
    except Exception as error:
        known = first_stack_error(error)
        text = (
            "\n".join([known.what, *known.facts]) if known else f"{type(error).__name__}: {error}"
        )
        folder.write(folder.path / FAILURE, text)
        if known is None:
            raise
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
