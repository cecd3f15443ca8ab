"""The state file: where everything of a ready run is, for the command line and for tests."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from emulators.stack.environment import Addresses
from emulators.stack.layout import ENQUEUE, Layout
from emulators.stack.ports import HOST

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


def of_run(layout: Layout, addresses: Addresses, push_service_account: str) -> State:
    """Where everything of a run is, but for what restarts and edits change."""
    return State(
        rest=layout.urls().get(ENQUEUE, ""),
        grpc=f"{HOST}:{layout.grpc}",
        pubsub=addresses.pubsub,
        pubsub_http=addresses.pubsub_http,
        mail=f"http://{HOST}:{layout.mail}",
        postgres=addresses.database_url,
        redis=addresses.redis_url,
        push_service_account=push_service_account,
    )


def remove(data_dir: Path) -> None:
    """Take the file away: nothing runs here any more."""
    (data_dir / FILE_NAME).unlink(missing_ok=True)
