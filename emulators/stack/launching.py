"""Parts that the local stack and a deployment launch in the same way."""

import signal

from emulators.stack import readiness
from emulators.stack.forks import Module, Zygote
from emulators.stack.keeper import Part
from emulators.stack.ports import Ports
from emulators.stack.postgres import Postgres
from emulators.stack.processes import Child, Program


class Launching:
    """A part's ports are held until it is launched: then they are its own."""

    ports: Ports
    zygote: Zygote

    def zygote_part(self) -> Part:
        """The process that the others are forked from."""
        return Part("zygote", self.zygote.launch, self.zygote.ready)

    def postgres(self, postgres: Postgres) -> Part:
        """The database server, once it is prepared."""

        async def launch(output: int) -> Child:
            self._release(postgres.port)
            return await postgres.program().start(output)

        return Part("postgres", launch, postgres.ready, signal.SIGINT)

    def _program(self, name: str, program: Program, ready: readiness.Ready, *ports: int) -> Part:
        async def launch(output: int) -> Child:
            self._release(*ports)
            return await program.start(output)

        return Part(name, launch, ready)

    def _module(self, name: str, module: Module, ready: readiness.Ready, *ports: int) -> Part:
        async def launch(output: int) -> Child:
            self._release(*ports)
            return await self.zygote.run(module, output)

        return Part(name, launch, ready)

    def _release(self, *ports: int) -> None:
        for port in ports:
            self.ports.release(port)
