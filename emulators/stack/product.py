"""The commands of the product that a run needs besides its processes, each run to its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emulators.stack.errors import StackError
from emulators.stack.forks import Module, Zygote
from emulators.stack.log_lines import without_frames
from emulators.stack.once import Launch, run_once, run_to_end


@dataclass(frozen=True)
class Product:
    """The command line of the checkout at `root`; one that has no such command needs none."""

    root: Path
    zygote: Zygote
    environment: Mapping[str, str]

    async def migrate(self) -> None:
        """Bring the database's schema up.

        Raises:
            StackError: CT107 with the last lines that it printed.
        """
        if (self.root / "shared" / "migrations").exists():
            fix = "correct what the last line says, then start again."
            await run_once("The database migration", self._launch(["migrate"]), fix)

    async def check_task_types(self) -> None:
        """Read the task types before any process does: one wrong value fails them all.

        Raises:
            StackError: CT110 with every problem of every file.
        """
        if not (self.root / "shared" / "cli").exists():
            return
        code, output = await run_to_end(self._launch(["task-types", "--check"]))
        if code != 0:
            raise StackError(
                "CT110",
                "The task types cannot be used as they stand.",
                *(f"  {line}" for line in without_frames(output.splitlines())),
                "Nothing was changed; what runs goes on as it was.",
                fix="correct what is named and save it.",
            )

    def _launch(self, argv: Sequence[str]) -> Launch:
        module = Module("shared.cli", argv, self.environment)
        return lambda output: self.zygote.run(module, output)
