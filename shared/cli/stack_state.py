"""Where the local stack's parts are: the state file that `cloudtasker dev` writes when ready."""

import json
import os
from dataclasses import MISSING, dataclass, field, fields

from shared.cli.errors import CliError, Exit
from shared.domain.errors import Misconfigured
from shared.settings import Settings, read_settings


@dataclass(frozen=True, slots=True)
class StackState:
    """The addresses of a run, and the process ids of its parts.

    `processes`: where those answer that share the address of their function.
    """

    rest: str
    grpc: str
    pubsub: str
    pubsub_http: str
    mail: str
    postgres: str
    redis: str
    push_service_account: str
    functions: dict[str, str]
    pids: dict[str, int]
    processes: dict[str, str] = field(default_factory=dict)

    def processes_of(self, function: str) -> dict[str, str]:
        """Name and address of each process of a function."""
        several = {
            name: url for name, url in self.processes.items() if name.rpartition("-")[0] == function
        }
        return several or {function: self.functions[function]}


def read_stack_state() -> StackState:
    """Read the state file of the settings.

    Raises: CliError CT503 (exit 5) when nothing runs here, or the file is not one of ours.
    """
    file = settings().state_file
    try:
        content = json.loads(file.read_bytes())
        names = [one.name for one in fields(StackState) if one.default_factory is MISSING]
        needed = {name: content[name] for name in names}
        state = StackState(**needed, processes=content.get("processes", {}))
        stack = state.pids.get("stack")
    except FileNotFoundError:
        raise _not_running(f"Looked for {file}.") from None
    except (OSError, ValueError, KeyError, TypeError) as unreadable:
        raise _not_running(f"The state file {file} cannot be used: {unreadable!r}.") from None
    if stack is not None and not _is_alive(stack):
        raise _not_running(f"The run that {file} tells of (pid {stack}) was killed.")
    return state


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def settings() -> Settings:
    """The settings of the environment.

    Raises: CliError CT308 (exit 2) with every problem.
    """
    try:
        return read_settings()
    except Misconfigured as wrong:
        first, *more = str(wrong).splitlines()
        fix = "correct the environment; README.md lists the settings."
        raise CliError("CT308", first, *more, fix=fix, exit_code=Exit.USAGE) from None


def _not_running(fact: str) -> CliError:
    return CliError(
        "CT503",
        "No local stack runs in this folder.",
        fact,
        fix="start it with `cloudtasker dev` (or `make run`), or name a service with --url.",
        exit_code=Exit.UNREACHABLE,
    )
