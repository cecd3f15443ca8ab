"""Which ports a deployment's parts have. One that was chosen never moves."""

import json
from collections.abc import Callable
from socket import socket

from emulators.cloud.folder import Folder
from emulators.cloud.making import Base
from emulators.cloud.specs import Spec
from emulators.stack.ports import Ports

# Where parts get their ports from, so that the local stack and a deployment can run at once.
_FROM = {"postgres": 15532, "redis": 16479, "workload": 9101, "scheduler": 0, "api": 8443}
# Beyond the functions of local stacks: one that starts while the deployment does not run would
# take a port that must not move.
_BASE_FROM = Base(pubsub=8785, pubsub_http=8786, smtp=1125, mail=8725)
FIRST_PORTS = (*_FROM.values(), *vars(_BASE_FROM).values())


class HeldPorts:
    """The ports and, where they outlive a part's processes, the sockets of one deployment."""

    def __init__(self, folder: Folder, say: Callable[[str], None]) -> None:
        self.ports = Ports(say)
        self._folder = folder
        self._listeners: dict[str, socket] = {}
        self._taken: set[str] = set()

    def base(self) -> Base:
        """The base's ports: chosen at the first start, the same ever after."""
        file = self._folder.path / "base.json"
        kept = self._folder.read(file) or {}
        ports = {
            name: self.ports.pick(name, start, asked=kept.get(name))
            for name, start in vars(_BASE_FROM).items()
        }
        self._folder.write(file, json.dumps(ports))
        return Base(**ports)

    def take(self, name: str, spec: Spec) -> Spec:
        """Hold the part's port from now on; return the spec with it.

        Raises: StackError when it is taken.
        """
        start = _FROM[spec.kind]
        if not start or (spec.port and name in self._taken):
            return spec
        asked = spec.port or None
        if spec.is_function:
            listener = self._listeners[name] = self.ports.listen(name, start, asked=asked)
            port: int = listener.getsockname()[1]
        else:
            port = self.ports.pick(name, start, asked=asked)
        self._taken.add(name)
        return spec.at(port)

    def listener(self, name: str) -> socket | None:
        """The socket of a function."""
        return self._listeners.get(name)

    def let_go(self, name: str) -> None:
        """Give up what the part holds, if it holds anything."""
        if listener := self._listeners.pop(name, None):
            listener.close()
        self._taken.discard(name)

    def close(self) -> None:
        """Give up everything."""
        for listener in self._listeners.values():
            listener.close()
        self.ports.release_all()
