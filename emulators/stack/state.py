"""The state file: where everything of a ready run is, for the command line and for tests."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE_NAME = "state.json"


@dataclass
class State:
    """The content of `state.json`; `pids` follows restarts. `processes`: the addresses of those
    that share the address of their function, each for itself."""

    rest: str
    grpc: str
    pubsub: str
    pubsub_http: str
    mail: str
    postgres: str
    redis: str
    push_service_account: str
    functions: dict[str, str] = field(default_factory=dict)
    processes: dict[str, str] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)

    def write(self, data_dir: Path) -> None:
        """Replace the file in one step, so that a reader never sees half of it."""
        new = data_dir / f"{FILE_NAME}.new"
        new.touch(mode=0o600)  # a database URL of the user's may hold a password
        new.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n")
        os.replace(new, data_dir / FILE_NAME)


def remove(data_dir: Path) -> None:
    """Take the file away: nothing runs here any more."""
    (data_dir / FILE_NAME).unlink(missing_ok=True)
