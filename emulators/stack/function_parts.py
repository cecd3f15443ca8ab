"""Which processes a function has: its only one, or as many as were asked for. Starts none."""

from collections.abc import Mapping
from dataclasses import dataclass

from emulators.stack import layout
from emulators.stack.keeper import Part
from emulators.stack.parts import Parts
from emulators.stack.ports import Ports
from emulators.stack.scale import process_names


@dataclass(frozen=True)
class FunctionParts:
    """The parts of functions. `scale`: how many processes, of those that were named."""

    parts: Parts
    ports: Ports
    scale: Mapping[str, int]

    def names(self, function: str) -> list[str]:
        """What the function's parts are called."""
        if function in self.scale:
            return process_names(function, self.scale[function])
        return [function]

    def make(self, function: str) -> list[Part]:
        """A part for each process; each of several has a socket of its own besides."""
        if function not in self.scale:
            return [self.parts.function(function)]
        names = self.names(function)
        for name in names:
            self.parts.layout.processes[name] = layout.listen_alone(self.ports)
        return [self.parts.process(name, function) for name in names]

    def forget(self, function: str) -> None:
        """Close the function's sockets."""
        for name in self.names(function):
            if own := self.parts.layout.processes.pop(name, None):
                own.close()
        self.parts.layout.listeners.pop(function).close()
