"""The supervisor's side of the zygote: ask it for processes, and hear of their ends."""

import asyncio
import itertools
import json
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emulators.stack import parent_death
from emulators.stack.processes import Child, Program, kill_session

_SIZE = 64 * 1024
_FULL_SECONDS = 0.01
# How a module learns of the sockets that it inherits, in the order of their descriptors.
LISTENERS = ("LISTENER_FD", "OWN_LISTENER_FD")


@dataclass(frozen=True)
class Module:
    """A Python module to run as `python -m name argv`; gets `LISTENER_FD` if it has a listener, and
    `OWN_LISTENER_FD` if it has one for itself besides."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    listener: socket.socket | None = None
    own_listener: socket.socket | None = None
    title: str = ""

    def files(self) -> list[int]:
        """The descriptors that it inherits: of the listener, then of its own one."""
        return [one.fileno() for one in (self.listener, self.own_listener) if one is not None]


class Forked:
    """A `Child` that the zygote forked."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def wait(self) -> int:
        return await asyncio.shield(self.ended)


class Zygote:
    """Starts Python processes quickly: forked where the system can, else each by itself."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = environment
        self._orders = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._children: dict[int, Forked] = {}
        self._channel: socket.socket | None = None
        self._ready = asyncio.Event()
        # Without the parent-death signal a fork would outlive the supervisor; and macOS' own
        # frameworks do not survive a fork.
        self.forks = parent_death.SUPPORTED

    async def launch(self, output: int) -> Child:
        """Start the zygote itself (again, after its end: then its children have ended too)."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            argv = [sys.executable, "-m", "emulators.stack.zygote", str(theirs.fileno())]
            program = Program(argv, self._environment, self._root, passed=[theirs.fileno()])
            child = await program.start(output)
        self._channel = ours
        asyncio.get_running_loop().add_reader(ours, self._hear, ours)
        return child

    async def ready(self, _child: Child) -> None:
        """Return once it can fork."""
        await self._ready.wait()

    async def run(self, module: Module, output: int) -> Child:
        """Start `module` as a process of its own that prints to the descriptor `output`."""
        if not self.forks:
            return await self._run_alone(module, output)
        await self._ready.wait()
        order = next(self._orders)
        asked = {
            "order": order,
            "module": module.name,
            "argv": list(module.argv),
            "environment": dict(module.environment),
            "title": module.title or module.name.rpartition(".")[2],
        }
        await self._send(json.dumps(asked).encode(), [output, *module.files()])
        pid = self._waiting[order] = asyncio.get_running_loop().create_future()
        return self._children[await pid]

    async def _send(self, order: bytes, files: list[int]) -> None:
        while self._channel is not None:
            try:
                socket.send_fds(self._channel, [order], files)
            except BlockingIOError:  # it has many orders before it
                await asyncio.sleep(_FULL_SECONDS)
            else:
                return
        raise ConnectionError("the zygote has just ended")

    async def _run_alone(self, module: Module, output: int) -> Child:
        argv = [sys.executable, "-m", module.name, *module.argv]
        environment = dict(module.environment)
        passed = module.files()
        for name, file in zip(LISTENERS, passed, strict=False):
            environment[name] = str(file)
        return await Program(argv, environment, self._root, passed=passed).start(output)

    def _hear(self, channel: socket.socket) -> None:
        try:
            data = channel.recv(_SIZE)
        except ConnectionError:
            data = b""
        if not data:
            self._lost(channel)
            return
        said = json.loads(data)
        if "ready" in said:
            self._ready.set()
        elif "order" in said:
            self._children[said["pid"]] = Forked(said["pid"])
            waiting = self._waiting.pop(said["order"])
            if waiting.done():  # who asked was cancelled and will not end it
                kill_session(self._children[said["pid"]])
            else:
                waiting.set_result(said["pid"])
        elif child := self._children.pop(said["ended"], None):
            child.ended.set_result(said["code"])

    def _lost(self, channel: socket.socket) -> None:
        """The zygote ended; the kernel ends its children, and nobody else will tell of them."""
        asyncio.get_running_loop().remove_reader(channel)
        channel.close()
        self._ready.clear()
        self._channel = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the zygote ended"))
        for child in self._children.values():
            child.ended.set_result(-signal.SIGKILL)
        self._waiting.clear()
        self._children.clear()
